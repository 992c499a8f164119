// The page as people meet it: without a script, by keyboard, on a phone, in both themes, and for assistive technology.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { byId, reached, state } from "../browser.mjs";
import { equal, that } from "../expect.mjs";
import { SORT } from "./numbers.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
export const PHONE = { viewport: { width: 360, height: 740 }, touch: true };

/** Violations of WCAG 2.2 A and AA, as lines. */
async function violations(page) {
  await page.evaluate(AXE);
  const found = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  return found.violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(" ")} ${node.failureSummary?.split("\n")[1] ?? ""}`));
}

export async function clean(page, what) {
  // What the bar at the top covers halfway is a matter of where the page is scrolled to.
  await page.evaluate(() => { window.scrollTo(0, 0); });
  equal((await violations(page)).join("\n"), "", `axe, ${what}`);
}

export async function noSideways(page, what) {
  const { scroll, width } = await page.evaluate(() => ({ scroll: document.documentElement.scrollWidth, width: document.documentElement.clientWidth }));
  that(scroll <= width, `${what} scrolls sideways: ${scroll} of ${width} pixels`);
}

async function trainTo(page, step) {
  await reached(page, ["ready"]);
  await byId(page, "train").click();
  await page.waitForFunction((wanted) => window.__trainyard.step >= wanted, step, { timeout: 60_000 });
}

export const page = [
  {
    name: "without JavaScript there is a heading, a picture and a sentence",
    run: async (context) => {
      const page = await context.open({ scripts: false });
      equal(await page.locator("h1").textContent(), "Trainyard", "heading");
      equal(await page.locator("svg[role=img] rect").count(), 66, "cells of the picture");
      that((await page.locator("noscript, .shell-note").first().textContent()).includes("JavaScript"), "no word on JavaScript");
    },
  },
  {
    name: "the first click trains: an early one waits for the kernels",
    run: async (context) => {
      const page = await context.open({ hash: SORT });
      await byId(page, "train").click();
      await reached(page, ["training"]);
      await page.waitForFunction(() => window.__trainyard.step >= 2, undefined, { timeout: 60_000 });
    },
  },
  {
    name: "the keyboard trains, pauses, steps, opens help, moves through a map and lets go",
    run: async (context) => {
      const page = await context.open({ hash: SORT });
      await reached(page, ["ready"]);
      await page.keyboard.press("Space");
      await page.waitForFunction(() => window.__trainyard.step >= 3, undefined, { timeout: 60_000 });
      await page.keyboard.press("Space");
      await reached(page, ["paused"]);
      const { step } = await state(page);
      await page.keyboard.press(".");
      await page.waitForFunction((before) => window.__trainyard.step === before + 1, step);
      await page.keyboard.press("?");
      await page.locator("dialog[open]").waitFor();
      await page.keyboard.press("Escape");
      await page.locator("dialog[open]").waitFor({ state: "detached" }).catch(() => undefined);
      equal(await page.locator("dialog[open]").count(), 0, "open dialogs");
      await byId(page, "matrix").focus();
      await page.keyboard.press("Home");
      const first = await byId(page, "cell-value").textContent();
      that(/^\d\.\d{3}$/.test(first), `cell value ${first}`);
      await page.keyboard.press("ArrowUp");
      await page.keyboard.press("ArrowRight");
      await page.keyboard.press("Escape");
      equal(await byId(page, "cell-value").count(), 0, "values after Esc");
      await page.keyboard.press("m");
      equal(await byId(page, "mask").isChecked(), false, "mask after M");
      await byId(page, "probe").focus();
      await page.keyboard.press("m");
      equal(await byId(page, "mask").isChecked(), false, "mask after M in a field");
    },
  },
  {
    name: "hovering reads a cell, a click keeps it, a future cell says that it is forbidden",
    run: async (context) => {
      const page = await context.open({ hash: SORT });
      await reached(page, ["ready"]);
      await byId(page, "matrix").evaluate((node) => { node.scrollIntoView({ block: "center" }); });
      const box = await byId(page, "matrix").locator("canvas").boundingBox();
      await page.mouse.move(box.x + box.width - 4, box.y + box.height - 4);
      that(/^[01]\.\d{3}$/.test(await byId(page, "cell-value").textContent()), "no value on hover");
      await page.mouse.move(box.x + box.width - 4, box.y + 40);
      that((await byId(page, "cell-value").textContent()).includes("forbidden"), "a future cell is not called forbidden");
      await page.mouse.move(box.x + box.width - 4, box.y + box.height - 4);
      await page.mouse.down();
      await page.mouse.up();
      await page.mouse.move(5, 5);
      that(/^[01]\.\d{3}$/.test(await byId(page, "cell-value").textContent()), "the pinned value is gone");
    },
  },
  {
    name: "the address carries the set-up, and another page opens with it",
    run: async (context) => {
      const page = await context.open({ hash: "#v=1&preset=sort&n_layer=1&seed=5" });
      await reached(page, ["ready"]);
      equal((await state(page)).info.decoder[0], 1, "layers");
      that((await page.evaluate(() => location.hash)).includes("n_layer=1"), "the address lost a setting");
      const odd = await context.open({ hash: "#v=1&preset=sort&n_layer=none" });
      await byId(odd, "dropped").waitFor();
    },
  },
  {
    name: "the page answers within 200 ms while it trains",
    run: async (context) => {
      const page = await context.open({ hash: SORT });
      await trainTo(page, 3);
      const longest = await page.evaluate(
        () =>
          new Promise((resolve) => {
            let worst = 0;
            let last = performance.now();
            const timer = setInterval(() => {
              const now = performance.now();
              worst = Math.max(worst, now - last);
              last = now;
            }, 10);
            setTimeout(() => { clearInterval(timer); resolve(worst); }, 3000);
          }),
      );
      context.log(`longest gap between two timers: ${longest.toFixed(0)} ms`);
      that(longest < 200, `the page stood still for ${longest} ms`);
    },
  },
  {
    name: "no sideways scrolling from 320 to 1920 pixels",
    run: async (context) => {
      for (const width of [320, 360, 600, 760, 900, 1180, 1280, 1920]) {
        const page = await context.open({ hash: SORT, viewport: { width, height: 800 } });
        await reached(page, ["ready"]);
        await noSideways(page, `${width} pixels`);
        if (width > 760) continue;
        for (const tab of ["loss", "samples", "setup"]) {
          await byId(page, `tab-${tab}`).click();
          await noSideways(page, `${width} pixels, ${tab}`);
        }
      }
    },
  },
  ...["light", "dark"].map((scheme) => ({
    name: `axe finds nothing in the ${scheme} theme`,
    run: async (context) => {
      const page = await context.open({ hash: "#v=1&preset=sort&steps=12", scheme });
      await reached(page, ["ready"]);
      for (const card of ["data", "model", "optimizer"]) await byId(page, `card-${card}`).locator("summary").first().click();
      await clean(page, "ready");
      await byId(page, "matrix").focus();
      await page.keyboard.press("Home");
      await page.keyboard.press("t");
      await byId(page, "map-table").waitFor();
      await clean(page, "table");
      await page.keyboard.press("?");
      await page.locator("dialog[open]").waitFor();
      await clean(page, "help");
      await page.keyboard.press("Escape");
      await byId(page, "train").click();
      await reached(page, ["finished"], 60_000);
      await clean(page, "finished");
      const phone = await context.open({ hash: SORT, scheme, ...PHONE });
      await reached(phone, ["ready"]);
      for (const tab of ["attention", "loss", "samples", "setup"]) {
        await byId(phone, `tab-${tab}`).click();
        await clean(phone, `phone, ${tab}`);
      }
      const bare = await context.open({ without: "gpu", scheme });
      await reached(bare, ["no_webgpu"], 30_000);
      await clean(bare, "no WebGPU");
    },
    expects: [/No available adapters/, /WebGPU/],
  })),
];
