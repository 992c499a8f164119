// Starts Chromium with WebGPU on the software adapter, and opens pages that fail on any error, violation or foreign request.
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const FLAGS = [
  "--headless=new",
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const GPU_FLAGS = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];

/** The full browser, not the headless shell: only that one has WebGPU. */
export function executable() {
  const path = process.env.CHROMIUM ?? "/usr/bin/chromium";
  if (!existsSync(path)) throw new Error(`There is no Chromium at ${path}: install it, or set CHROMIUM to its path.`);
  return path;
}

export function launch({ gpu = true } = {}) {
  return chromium.launch({
    executablePath: executable(),
    headless: false,
    args: [...FLAGS, ...(gpu ? GPU_FLAGS : ["--disable-features=WebGPU"])],
    ignoreDefaultArgs: ["--enable-unsafe-swiftshader"],
  });
}

/** A page at `address`, and the list of what went wrong in it. */
export async function open(browser, address, { hash = "", query = "", viewport = { width: 1280, height: 860 }, scheme = "light", init, worker, touch = false, scripts = true } = {}) {
  const context = await browser.newContext({ viewport, colorScheme: scheme, hasTouch: touch, javaScriptEnabled: scripts, acceptDownloads: true });
  const faults = [];
  const own = new URL(address).origin;
  const page = await context.newPage();
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") faults.push(`console ${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`page error: ${error.stack ?? error.message}`));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(own) && !url.startsWith("blob:") && !url.startsWith("data:")) faults.push(`foreign request: ${url}`);
    if (request.postData() !== null) faults.push(`request with a body: ${url}`);
  });
  if (scripts) {
    await page.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => console.error(`policy violation: ${event.violatedDirective} ${event.blockedURI}`));
    });
    if (init !== undefined) await page.addInitScript(init);
  }
  if (worker !== undefined) {
    // Init scripts do not reach workers: the hook goes in front of the worker's own code, which stays what is served.
    await page.route(/\/worker-[^/]*\.js$/, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: `(${worker.toString()})();\n${await response.text()}` });
    });
  }
  await page.goto(`${address}${query}${hash}`);
  return { page, faults, close: () => context.close() };
}

export const byId = (page, id) => page.locator(`[data-testid="${id}"]`);

/** Waits until the run's state is one of these. */
export function reached(page, states, timeout = 60_000) {
  return page.waitForFunction((wanted) => wanted.includes(window.__trainyard?.status), states, { timeout, polling: 50 });
}

export const state = (page) =>
  page.evaluate(() => {
    const { status, step, losses, info, caps, problem, evaluations } = window.__trainyard;
    return { status, step, losses, info, caps, problem, evaluations };
  });
