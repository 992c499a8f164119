// The three modes: every family trains, its maps obey its masks, and what a click hides is hidden.
import { byId, reached, state } from "../browser.mjs";
import { below, equal, refused, rightMaps, that } from "../expect.mjs";
import { inspection } from "./numbers.mjs";
import { clean, PHONE } from "./page.mjs";

/** One small run each; those without a preset of their own read the sentences of the figures. */
const FAMILIES = [
  { name: "bert", hash: "#v=1&preset=figure-bert&steps=40", stages: [["encoder", false]] },
  { name: "t5", hash: "#v=1&preset=figure-t5&steps=40", stages: [["encoder", false], ["decoder", true], ["cross", false]] },
  { name: "bart", hash: "#v=1&preset=figure-t5&family=bart&steps=40", stages: [["encoder", false], ["decoder", true], ["cross", false]] },
  { name: "transformer", hash: "#v=1&preset=figure-t5&family=transformer&objective=denoise&steps=40", stages: [["encoder", false], ["decoder", true], ["cross", false]] },
  { name: "gpt2", hash: "#v=1&preset=figure-gpt&steps=40", stages: [["decoder", true]] },
];
/** The stand-in has presets of two families, and makes up sizes for the others. */
const FAKE_HASHES = { gpt2: "#v=1&preset=sort&steps=40" };

const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

export const families = [
  ...FAMILIES.map(({ name, hash, stages }) => ({
    name: `family ${name} learns, and its maps obey its masks`,
    real: name === "transformer",
    run: async (context) => {
      const page = await context.open({ hash: (context.fake && FAKE_HASHES[name]) || hash });
      await reached(page, ["ready"], 90_000);
      await page.waitForFunction(() => window.__trainyard.inspection !== null);
      const check = async () => {
        const seen = await inspection(page);
        equal(seen.stages.map((stage) => stage.name).join(), stages.map(([stage]) => stage).join(), "kinds of attention");
        seen.stages.forEach((stage, i) => {
          rightMaps(stage, stages[i][1]);
          const [rows, columns] = [stage.name === "encoder" || stages.length === 1 ? seen.tokens : seen.decoder_tokens, stage.name === "decoder" && stages.length > 1 ? seen.decoder_tokens : seen.tokens];
          equal(`${stage.queries}x${stage.keys}`, `${rows.length}x${columns.length}`, `extent of ${stage.name}`);
        });
        return seen;
      };
      await check();
      await byId(page, "train").click();
      await reached(page, ["finished"], 60_000);
      await page.waitForFunction(() => window.__trainyard.inspection.step === 40);
      await check();
      const { losses, info } = await state(page);
      equal(info.family, name, "family");
      below(info.parameters, 100_000, "parameters");
      const curve = losses.map(({ loss }) => loss);
      const [first, last] = [mean(curve.slice(0, 5)), mean(curve.slice(-5))];
      context.log(`${info.parameters} parameters, loss ${first.toFixed(2)} to ${last.toFixed(2)}, ln V ${info.random_guess.toFixed(2)}`);
      below(last, 0.9 * first, "mean of the last five losses, beside nine tenths of the first five");
    },
  })),
  {
    name: "family bert: a click hides a token and shows it again, and only hidden tokens are predicted",
    run: async (context) => {
      const page = await context.open({ hash: "#v=1&preset=figure-bert" });
      await reached(page, ["ready"]);
      const hidden = () => page.waitForFunction(() => window.__trainyard.inspection !== null).then(() => page.evaluate(() => window.__trainyard.inspection.tokens.flatMap((token, at) => (token === "[MASK]" ? [at] : []))));
      equal((await hidden()).join(), "2", "what the figure hides");
      await byId(page, "token-4").click();
      await page.waitForFunction(() => window.__trainyard.inspection.tokens.filter((token) => token === "[MASK]").length === 2);
      equal((await hidden()).join(), "2,5", "hidden after a click");
      const { predictions } = await inspection(page);
      equal(predictions.map(({ expected }) => expected).join(), "love,car", "what is asked");
      await byId(page, "target-5").click();
      that((await byId(page, "predictions").textContent()).includes("car"), "the predictions are not those of car");
      await byId(page, "token-1").focus();
      await page.keyboard.press("Enter");
      await page.waitForFunction(() => window.__trainyard.inspection.tokens[2] === "love");
      equal((await hidden()).join(), "5", "hidden after showing love by key");
      await byId(page, "probe").fill("I like this red car");
      await page.waitForFunction(() => window.__trainyard.inspection.tokens[2] === "like");
      equal((await hidden()).join(), "5", "hidden after the probe has changed");
      // A token that stays hidden is masked in the text that the page shows as well.
      equal(await page.evaluate(() => window.__trainyard.shown.changed.map(({ role, text }) => `${role} ${text.start}`).join()), "masked 4", "changes shown");
    },
  },
  {
    name: "family t5: tabs open each kind of attention, and the figure has all of them in the textbook's places",
    run: async (context) => {
      const page = await context.open({ hash: "#v=1&preset=figure-t5" });
      await reached(page, ["ready"]);
      await byId(page, "figure").waitFor();
      that((await byId(page, "figure").locator("[role=img]").getAttribute("aria-label")).includes("Cross-attention, 6 by 5"), "the figure's words lack the rectangle");
      await byId(page, "part-cross").click();
      const matrix = byId(page, "matrix");
      equal(await matrix.getAttribute("aria-colcount"), "5", "columns of cross-attention");
      equal(await matrix.getAttribute("aria-rowcount"), "6", "rows of cross-attention");
      await byId(page, "stage-cross").focus();
      await page.keyboard.press("ArrowRight");
      equal(await matrix.getAttribute("aria-colcount"), "6", "columns of the decoder");
      await byId(page, "token-0").click();
      await page.waitForFunction(() => window.__trainyard.shown.text.length === 5 && window.__trainyard.inspection.tokens[0] === "<extra_id_0>");
    },
  },
  {
    name: "family switch: modes change the blocks, the knobs, the objectives and the parameters",
    run: async (context) => {
      const page = await context.open({ hash: "#v=1&preset=figure-t5" });
      await reached(page, ["ready"]);
      for (const card of ["model", "objective"]) await byId(page, `card-${card}`).locator("summary").first().click();
      const before = (await state(page)).info.parameters;
      equal(await byId(page, "blocks").locator(".gone").count(), 0, "missing blocks of an encoder and decoder");
      await byId(page, "mode-encoder-only").check({ force: true });
      await page.waitForFunction(() => window.__trainyard.info.family === "bert" && window.__trainyard.status === "ready", undefined, { timeout: 60_000 });
      equal(await byId(page, "blocks").locator(".gone").count(), 2, "missing blocks of an encoder");
      await byId(page, "knob-hidden_size").waitFor();
      equal(await byId(page, "knob-d_model").count(), 0, "knobs of the family that is gone");
      that(!(await byId(page, "objective-pick").textContent()).includes("Span"), "spans are offered to an encoder");
      const after = (await state(page)).info.parameters;
      that(after !== before, "the parameters did not change");
      that(await page.evaluate(() => location.hash.includes("family=bert")), "the address lacks the family");
      await byId(page, "mode-encoder-decoder").check({ force: true });
      await page.waitForFunction(() => window.__trainyard.info.family === "t5" && window.__trainyard.status === "ready", undefined, { timeout: 60_000 });
      equal((await state(page)).info.parameters, before, "parameters after switching back");
    },
  },
  {
    name: "family pages: axe finds nothing in the figures, the objective's rows and the switch",
    run: async (context) => {
      const page = await context.open({ hash: "#v=1&preset=figure-t5" });
      await reached(page, ["ready"]);
      for (const card of ["model", "objective"]) await byId(page, `card-${card}`).locator("summary").first().click();
      await byId(page, "figure").waitFor();
      await clean(page, "T5, figure");
      await byId(page, "part-cross").click();
      await clean(page, "T5, cross-attention");
      const phone = await context.open({ hash: "#v=1&preset=figure-bert", scheme: "dark", ...PHONE });
      await reached(phone, ["ready"]);
      await byId(phone, "predictions").waitFor();
      await clean(phone, "BERT, phone");
    },
  },
  {
    name: "family checks refuse maps under the wrong mask",
    run: async () => {
      const dense = { name: "cross", probs: [0.5, 0.5, 0.25, 0.75], layers: 1, heads: 1, queries: 2, keys: 2 };
      rightMaps(dense, false);
      refused(() => rightMaps(dense, true), "a decoder that sees the future");
      refused(() => rightMaps({ ...dense, keys: 3 }, false), "a map of another extent");
    },
  },
];
