// Known answers in the page: the built-in files agree on the browser's device, and a file that is off does not.
import { readFileSync } from "node:fs";
import { byId } from "../browser.mjs";
import { equal, that } from "../expect.mjs";
import { clean, noSideways, PHONE } from "./page.mjs";
import { SORT } from "./numbers.mjs";

const fixture = (name) => JSON.parse(readFileSync(new URL(`../../../../tests/fixtures/${name}`, import.meta.url), "utf8"));

/** Opens the dialog from the header. */
async function dialog(page) {
  await page.waitForFunction(() => window.__trainyard?.caps !== null, undefined, { timeout: 60_000 });
  await byId(page, "adapter").click();
  await byId(page, "verify-run").waitFor();
}

/** Waits until nothing is running, and gives the cases of the table. */
async function done(page) {
  await page.waitForFunction(() => document.querySelector('[data-testid="verdict"]')?.dataset.running === "false", undefined, { timeout: 60_000 });
  return byId(page, "known-answer").evaluateAll((all) => all.map((one) => ({ name: one.querySelector(".mono").textContent, outcome: one.dataset.outcome, text: one.textContent })));
}

/** Hands the page a file as a visitor would. */
async function give(page, name, content) {
  await byId(page, "verify-file").setInputFiles({ name, mimeType: "application/json", buffer: Buffer.from(typeof content === "string" ? content : JSON.stringify(content)) });
  return done(page);
}

/** One case of the models' file, with only what one forward pass gives. */
function forward(change) {
  const { class: of, config, inputs, loss, n_unique_params } = fixture("model_kat.json").cases.gpt2_lm;
  const one = { class: of, config, inputs, loss, n_unique_params };
  change(one);
  return { cases: { gpt2_lm: one } };
}

export const verify = [
  {
    name: "known answers: every built-in case agrees on this device",
    real: true,
    run: async (context) => {
      const page = await context.open({ hash: SORT });
      await dialog(page);
      const started = Date.now();
      await byId(page, "verify-run").click();
      await byId(page, "known-answer").nth(3).waitFor({ timeout: 60_000 });
      await page.screenshot({ path: `${context.shotsFolder}verify-running.png` });
      const rows = await done(page);
      await page.screenshot({ path: `${context.shotsFolder}verify-done.png` });
      context.log(`${rows.length} cases in ${((Date.now() - started) / 1000).toFixed(1)} s on ${await byId(page, "verify-adapter").textContent()}`);
      const names = [...Object.keys(fixture("model_kat.json").cases), ...Object.keys(fixture("ops_kat.json"))].filter((name) => !name.startsWith("_"));
      equal(names.length, 20, "cases in the files");
      equal(rows.map(({ name }) => name).join(), names.join(), "cases in the table");
      const other = rows.filter(({ outcome, text }) => outcome !== "pass" || text.includes("not checked"));
      equal(other.map(({ text }) => text).join("\n"), "", "cases that do not pass in full");
      that((await byId(page, "verdict").textContent()).includes("agrees"), "no verdict");
    },
  },
  {
    name: "known answers: a loss off by two gates fails, a file of nothing is refused",
    real: true,
    run: async (context) => {
      const page = await context.open({ hash: SORT });
      await dialog(page);
      const [right] = await give(page, "right.json", forward(() => undefined));
      equal(right.outcome, "pass", "the case as it is");
      const [wrong] = await give(page, "wrong.json", forward((one) => { one.loss += 2e-5; }));
      equal(wrong.outcome, "fail", "the case with another loss");
      that(wrong.text.includes("loss: ") && wrong.text.includes("gate 1.0e-5"), `no reason: ${wrong.text}`);
      that((await byId(page, "verdict").textContent()).includes("does not agree"), "no verdict");
      const [skipped] = await give(page, "skipped.json", forward((one) => { one.class = "LlamaForCausalLM"; }));
      equal(skipped.outcome, "skip", "a class that is not built in");
      that((await byId(page, "verdict").textContent()).includes("Nothing was compared"), "nothing compared counts for something");
      for (const [text, word] of [["loss", "no JSON"], ["{}", "no known answer"], ["\u0000\u0001", ""]]) {
        equal((await give(page, "bad.json", text)).length, 0, `rows of ${JSON.stringify(text)}`);
        that((await byId(page, "verify-fault").textContent()).includes(word), `no word on ${JSON.stringify(text)}`);
      }
    },
  },
  {
    name: "known answers: a verification stops, pauses the run, and lets it go on",
    run: async (context) => {
      const page = await context.open({ hash: SORT });
      await page.waitForFunction(() => window.__trainyard?.status === "ready", undefined, { timeout: 60_000 });
      await byId(page, "train").click();
      await page.waitForFunction(() => window.__trainyard.step >= 2, undefined, { timeout: 60_000 });
      await dialog(page);
      await byId(page, "verify-run").click();
      if (!context.fake) {
        await byId(page, "known-answer").first().waitFor({ timeout: 60_000 });
        await byId(page, "verify-stop").click();
        const rows = await done(page);
        that(rows.length >= 1 && rows.length < 20, `${rows.length} cases after a stop`);
      } else await done(page);
      equal(await page.evaluate(() => window.__trainyard.status), "paused", "status after verifying");
      const { step } = await page.evaluate(() => window.__trainyard);
      await page.keyboard.press("Escape");
      await byId(page, "train").click();
      await page.waitForFunction((before) => window.__trainyard.step > before, step, { timeout: 60_000 });
    },
  },
  ...["light", "dark"].map((scheme) => ({
    name: `known answers: axe and pictures, ${scheme}`,
    run: async (context) => {
      for (const [where, options] of [["desktop", {}], ["phone", PHONE]]) {
        const page = await context.open({ hash: SORT, scheme, ...options });
        await page.waitForFunction(() => window.__trainyard?.caps !== null, undefined, { timeout: 60_000 });
        await byId(page, "help").click();
        await byId(page, "verify").click();
        await byId(page, "verify-run").waitFor();
        await page.screenshot({ path: `${context.shotsFolder}verify-${where}-${scheme}-before.png` });
        const file = { ...fixture("ops_kat.json"), mish: {} };
        file.gelu_erf.y[0] += 0.5;
        await give(page, "mine.json", file);
        await clean(page, `${where}, results`);
        await noSideways(page, `${where}, results`);
        await page.screenshot({ path: `${context.shotsFolder}verify-${where}-${scheme}-after.png` });
      }
    },
  })),
];
