// What the numbers on the page must satisfy while a real model trains.
import { byId, reached, state } from "../browser.mjs";
import { below, causalMaps, equal, refused, rightMaps, that } from "../expect.mjs";

/** Small enough for a software adapter; dropout off, so that a few hundred steps suffice. */
export const SORT = "#v=1&preset=sort&dropout=0&lr=0.003";
export const TEXT = "#v=1&preset=story&n_layer=1&n_head=2&n_embd=32&context=32&batch=8&dropout=0&lr=0.005&steps=2000";

/** A text with structure that a tiny model finds: the same on every machine. */
export function story(sentences = 400) {
  const [who, does, what] = [["the cat", "a dog", "anna", "ben"], ["sees", "likes", "finds"], ["the ball.", "a tree.", "the red hat.", "the sea."]];
  let text = "";
  for (let i = 0; i < sentences; i += 1) text += `${who[(i * 7 + (i >> 2)) % 4]} ${does[(i * 5 + (i >> 3)) % 3]} ${what[(i * 3 + (i >> 1)) % 4]} `;
  return text;
}

export async function inspection(page) {
  // A run is ready a moment before its first maps are.
  await page.waitForFunction(() => window.__trainyard.inspection !== null, undefined, { timeout: 30_000 });
  return page.evaluate(() => {
    const { stages, ...rest } = window.__trainyard.inspection;
    return { ...rest, stages: stages.map((stage) => ({ ...stage, probs: Array.from(stage.probs) })) };
  });
}

/** Waits until the loss, averaged over ten steps, is below half that of a random guess. */
export function learned(page, timeout = 180_000) {
  return page.waitForFunction(
    () => {
      const { losses, info } = window.__trainyard;
      const recent = losses.slice(-10).map(({ loss }) => loss);
      return recent.length === 10 && recent.reduce((a, b) => a + b, 0) / 10 < info.random_guess / 2;
    },
    undefined,
    { timeout, polling: 200 },
  );
}

/** Drops a file on the page as a hand would. */
export async function drop(page, name, bytes) {
  const card = page.locator('[data-testid="card-data"]');
  if (!(await card.evaluate((node) => node.open))) await card.locator("summary").first().click();
  const data = await page.evaluateHandle(
    ([fileName, content]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([new Uint8Array(content)], fileName));
      return transfer;
    },
    [name, Array.from(bytes)],
  );
  await byId(page, "drop").dispatchEvent("drop", { dataTransfer: data });
}

const losses = async (context, hash) => {
  const page = await context.open({ hash });
  await reached(page, ["ready"]);
  await byId(page, "train").click();
  await reached(page, ["finished"], 120_000);
  return (await state(page)).losses.map(({ loss }) => loss);
};

export const numbers = [
  {
    name: "the comparer of maps refuses wrong ones",
    run: async () => {
      const good = { name: "decoder", probs: [1, 0, 0.25, 0.75], layers: 1, heads: 1, queries: 2, keys: 2 };
      rightMaps(good, true);
      that(refused(() => rightMaps({ ...good, probs: [1, 1e-9, 0.25, 0.75] }, true), "a weight on the future").includes("future"), "wrong reason");
      refused(() => rightMaps({ ...good, probs: [1, 0, 0.25, 0.7501] }, true), "a row that does not sum to 1");
      refused(() => rightMaps({ ...good, probs: [1, 0, Number.NaN, 0.75] }, true), "a weight that is not a number");
      that(refused(() => rightMaps(good, false), "a forbidden cell where all are allowed").includes("does not see"), "wrong reason");
      refused(() => causalMaps({ stages: [good, { ...good, name: "cross" }] }), "a second kind of attention in a decoder");
      refused(() => below(Number.NaN, 1, "x"), "a value that is not a number");
    },
  },
  {
    name: "sort: the loss falls below half of ln V, and the maps are causal",
    run: async (context) => {
      const page = await context.open({ hash: SORT });
      await reached(page, ["ready"]);
      causalMaps(await inspection(page));
      await byId(page, "train").click();
      await reached(page, ["training"]);
      await learned(page);
      await page.waitForFunction(() => window.__trainyard.inspection.step > 0);
      const seen = await inspection(page);
      causalMaps(seen);
      const { losses: curve, info, caps } = await state(page);
      context.log(`loss ${curve.at(-1).loss.toFixed(3)} at step ${curve.at(-1).step}, ln V ${info.random_guess.toFixed(3)}, ${caps.adapter}`);
      that(curve.every(({ step }, i) => step === i + 1), "a step is missing from the curve");
    },
  },
  {
    name: "a dropped text: the loss falls below half of ln V, and the maps are causal",
    run: async (context) => {
      const page = await context.open({ hash: TEXT });
      await reached(page, ["ready"]);
      await drop(page, "story.txt", new TextEncoder().encode(story()));
      await page.waitForFunction(() => window.__trainyard.info?.data.name === "story.txt" && window.__trainyard.status === "ready", undefined, { timeout: 60_000 });
      await byId(page, "train").click();
      await learned(page);
      causalMaps(await inspection(page));
      await byId(page, "samples").waitFor();
      equal(await byId(page, "samples").locator(".verdict").count(), 0, "verdicts on a text, which has no right answer");
      const { losses: curve, info } = await state(page);
      context.log(`loss ${curve.at(-1).loss.toFixed(3)} at step ${curve.at(-1).step}, ln V ${info.random_guess.toFixed(3)}`);
    },
  },
  {
    name: "pause stands still, Step adds exactly one, the probe changes the labels",
    run: async (context) => {
      const page = await context.open({ hash: SORT });
      await reached(page, ["ready"]);
      await byId(page, "train").click();
      await page.waitForFunction(() => window.__trainyard.step >= 5, undefined, { timeout: 60_000 });
      await byId(page, "train").click();
      await reached(page, ["paused"]);
      const before = (await state(page)).step;
      await page.waitForTimeout(1500);
      equal((await state(page)).step, before, "step while paused");
      await byId(page, "step").click();
      await page.waitForFunction((step) => window.__trainyard.step > step, before);
      await page.waitForTimeout(500);
      equal((await state(page)).step, before + 1, "step after Step");
      await page.waitForFunction((step) => window.__trainyard.inspection.step === step, before + 1);
      const old = await inspection(page);
      const probe = old.tokens.slice().reverse().join("");
      await byId(page, "probe").fill(probe);
      await page.waitForFunction((text) => window.__trainyard.inspection.tokens.join("") === text, probe);
      causalMaps(await inspection(page));
      that((await inspection(page)).tokens.join("") !== old.tokens.join(""), "the labels did not change");
    },
  },
  {
    name: "the same seed gives the same losses bit for bit, another seed others",
    run: async (context) => {
      const hash = "#v=1&preset=sort&steps=30";
      const [first, second, other] = [await losses(context, hash), await losses(context, hash), await losses(context, `${hash}&seed=2`)];
      equal(first.length, 30, "number of losses");
      equal(JSON.stringify(second), JSON.stringify(first), "second run");
      that(JSON.stringify(other) !== JSON.stringify(first), "another seed gave the same losses");
    },
  },
  {
    name: "reverse is solved: accuracy rises to 99 %, a head reads backwards, training pauses by itself and goes on when asked",
    real: true,
    run: async (context) => {
      const page = await context.open();
      await reached(page, ["ready"]);
      const started = Date.now();
      await byId(page, "train").click();
      await byId(page, "solved").waitFor({ timeout: 180_000 });
      const { status, step, evaluations, caps } = await state(page);
      equal(status, "paused", "status");
      that(evaluations.slice(-3).every(({ accuracy }) => accuracy >= 0.99), "the last three accuracies are not 99 %");
      const first = evaluations.find(({ accuracy }) => accuracy >= 0.99);
      context.log(`99 % at step ${first.step}, paused at step ${step} after ${((Date.now() - started) / 1000).toFixed(0)} s, ${caps.adapter}`);
      that((await byId(page, "head-facts").textContent()).includes("anti-diagonal"), "no head reads backwards");
      await byId(page, "prompt").fill("solved");
      await byId(page, "generate").click();
      await page.waitForFunction(() => document.querySelector("[data-testid=generated]")?.textContent.includes("devlos"), undefined, { timeout: 30_000 });
      await byId(page, "keep-training").click();
      await page.waitForFunction((before) => window.__trainyard.step > before, step, { timeout: 30_000 });
    },
  },
  {
    name: "bench-c takes at most 200 ms a step",
    real: true,
    run: async (context) => {
      const page = await context.open({ hash: "#v=1&preset=bench-c&steps=400" });
      await reached(page, ["ready"]);
      await byId(page, "train").click();
      await page.waitForFunction(() => window.__trainyard.step >= 10, undefined, { timeout: 60_000 });
      const [from, started] = [(await state(page)).step, Date.now()];
      await page.waitForFunction((step) => window.__trainyard.step >= step + 60, from, { timeout: 60_000 });
      const ms = (Date.now() - started) / ((await state(page)).step - from);
      context.log(`${ms.toFixed(1)} ms per step, maps and validation included, ${(await state(page)).caps.adapter}`);
      below(ms, 200, "ms per step");
    },
  },
  {
    name: "a checkpoint is saved in the usual files",
    run: async (context) => {
      const page = await context.open({ hash: "#v=1&preset=sort&steps=10" });
      await reached(page, ["ready"]);
      const names = [];
      page.on("download", (download) => names.push(download.suggestedFilename()));
      await byId(page, "save").click();
      await page.waitForTimeout(2500);
      equal(names.sort().join(" "), "config.json model.safetensors tokenizer.json", "downloads");
    },
  },
];
