// The browser checks: real Chromium, real WebGPU on the software adapter, the page as it is served.
//
//   node test/browser/run.mjs [--fake] [WORDS…]
//
// The address comes from TRAINYARD_URL; without it, `dist` is served from here. `--fake` serves `dist-fake` (npm run
// build:fake), the same page over the tests' engine, and leaves out what only a real engine can show. WORDS pick checks
// by name. The last line reads `N passed, N failed`; the exit status is 1 when any failed or none ran.
import { existsSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { launch, open } from "./browser.mjs";
import { serve } from "./serve.mjs";
import { families } from "./checks/families.mjs";
import { faults } from "./checks/faults.mjs";
import { load } from "./checks/load.mjs";
import { numbers } from "./checks/numbers.mjs";
import { page } from "./checks/page.mjs";
import { shots } from "./checks/shots.mjs";
import { verify } from "./checks/verify.mjs";

const args = process.argv.slice(2);
const fake = args.includes("--fake");
const words = args.filter((word) => !word.startsWith("--"));
const folder = fileURLToPath(new URL(fake ? "../../dist-fake" : "../../dist", import.meta.url));
const shotsFolder = fileURLToPath(new URL("../shots/", import.meta.url));

async function main() {
  const given = process.env.TRAINYARD_URL;
  if (given === undefined && !existsSync(folder)) throw new Error(`There is nothing to serve in ${folder}: build the page first.`);
  const server = given === undefined || fake ? await serve(folder) : { address: given.endsWith("/") ? given : `${given}/`, stop: async () => undefined };
  mkdirSync(shotsFolder, { recursive: true });
  const browsers = { gpu: await launch({ gpu: true }), bare: await launch({ gpu: false }) };
  const all = [...page, ...numbers, ...families, ...faults, ...verify, ...load, ...shots].filter((check) => !(fake && check.real) && words.every((word) => check.name.includes(word)));
  let passed = 0;
  let failed = 0;
  for (const check of all) {
    const started = Date.now();
    const opened = [];
    const context = {
      fake,
      shotsFolder,
      log: (text) => console.log(`     ${text}`),
      /** Opens the page; `without` is "gpu" for a browser that offers none. */
      open: async (options = {}) => {
        const query = fake ? `?engine=fake${options.without === "gpu" ? "&fail=no_webgpu" : ""}${options.fake ?? ""}` : "";
        const result = await open(options.without === "gpu" ? browsers.bare : browsers.gpu, server.address, { ...options, query });
        opened.push(result);
        return result.page;
      },
    };
    let problem;
    try {
      await check.run(context);
      const faults = opened.flatMap((one) => one.faults).filter((fault) => !check.expects?.some((pattern) => pattern.test(fault)));
      if (faults.length > 0) problem = faults.join("\n");
    } catch (error) {
      problem = [error instanceof Error ? error.message : String(error), ...opened.flatMap((one) => one.faults)].join("\n");
      await opened.at(-1)?.page.screenshot({ path: `${shotsFolder}failed-${check.name.replace(/[^a-z0-9]+/gi, "-")}.png` }).catch(() => undefined);
    }
    for (const one of opened) await one.close();
    const seconds = ((Date.now() - started) / 1000).toFixed(1);
    if (problem === undefined) passed += 1;
    else failed += 1;
    console.log(`${problem === undefined ? "ok  " : "FAIL"} ${check.name} (${seconds} s)${problem === undefined ? "" : `\n${problem.replace(/^/gm, "     ")}`}`);
  }
  for (const browser of Object.values(browsers)) await browser.close();
  await server.stop();
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

process.exitCode = await main().catch((error) => {
  console.error(error instanceof Error ? error.message : error);
  console.log("0 passed, 1 failed");
  return 1;
});
