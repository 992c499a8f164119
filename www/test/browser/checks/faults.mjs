// Bad input and bad luck: a clear sentence, a button, and the run unharmed.
import { fileURLToPath } from "node:url";
import { byId, reached, state } from "../browser.mjs";
import { below, equal, that } from "../expect.mjs";
import { drop, SORT, story, TEXT } from "./numbers.mjs";

/** Drops something unusable and expects this code; the run goes on from where it was. */
async function refusedText(context, { bytes, code, words }) {
  const page = await context.open({ hash: TEXT });
  await reached(page, ["ready"]);
  await byId(page, "step").click();
  await page.waitForFunction(() => window.__trainyard.step === 1, undefined, { timeout: 60_000 });
  await drop(page, "file.txt", bytes);
  await page.waitForFunction(() => window.__trainyard.problem !== null, undefined, { timeout: 30_000 });
  const { problem } = await state(page);
  that(code.test(problem.code), `code ${problem.code}`);
  that(words.test(problem.sentence), `sentence: ${problem.sentence}`);
  await continues(page);
}

/** One more step is exactly one more: nothing was lost. */
async function continues(page) {
  const { step } = await state(page);
  that(step > 0, "the run is gone");
  await reached(page, ["paused"]);
  await byId(page, "step").click();
  await page.waitForFunction((before) => window.__trainyard.step === before + 1, step, { timeout: 30_000 });
}

/** Sets a field as a hand would: opens its card, types, leaves. */
async function set(page, card, key, value) {
  const details = byId(page, `card-${card}`);
  if (!(await details.evaluate((node) => node.open))) await details.locator("summary").first().click();
  const field = byId(page, `knob-${key}`).locator(".field");
  await field.fill(String(value));
  await field.blur();
}

/** Trains a step, asks for settings that cannot be, and expects the old run to go on. */
async function refusedSettings(context, { hash, changes, words }) {
  const page = await context.open({ hash });
  await reached(page, ["ready"]);
  await byId(page, "step").click();
  await page.waitForFunction(() => window.__trainyard.step === 1, undefined, { timeout: 60_000 });
  for (const [card, key, value] of changes) await set(page, card, key, value);
  await byId(page, "restart").click();
  await page.waitForFunction(() => window.__trainyard.problem !== null, undefined, { timeout: 60_000 });
  const { problem } = await state(page);
  context.log(`${problem.code}: ${problem.sentence}`);
  that(words.test(problem.sentence), `sentence: ${problem.sentence}`);
  await byId(page, "remedy-undo").click();
  await continues(page);
}

export const faults = [
  { name: "an empty text is refused", run: (context) => refusedText(context, { bytes: [], code: /empty/, words: /empty/ }) },
  { name: "a binary file is refused", run: (context) => refusedText(context, { bytes: [0x7f, 0x45, 0x4c, 0x46, 0, 0, 1], code: /binary/, words: /byte 4/ }) },
  { name: "invalid UTF-8 is refused", run: (context) => refusedText(context, { bytes: [104, 105, 0xff, 0xfe], code: /utf/i, words: /byte 2/ }) },
  {
    name: "a text shorter than the context is refused",
    run: (context) => refusedText(context, { bytes: new TextEncoder().encode("too short"), code: /short/, words: /\d/ }),
  },
  {
    name: "a tokenizer.json reads the text, and one that is none is refused",
    run: async (context) => {
      const page = await context.open({ hash: TEXT });
      await reached(page, ["ready"]);
      const before = (await state(page)).info.vocab_size;
      const file = byId(page, "tokenizer-file");
      await file.setInputFiles(fileURLToPath(new URL("../../../../tests/fixtures/tok_bytelevel_bpe.json", import.meta.url)));
      await page.waitForFunction((old) => window.__trainyard.info.vocab_size !== old && window.__trainyard.inspection !== null, before, { timeout: 60_000 });
      equal((await state(page)).info.vocab_size, 330, "vocabulary of the file");
      await file.setInputFiles({ name: "tokenizer.json", mimeType: "application/json", buffer: Buffer.from('{"model": 3}') });
      await page.waitForFunction(() => window.__trainyard.problem !== null, undefined, { timeout: 30_000 });
      const { problem, info } = await state(page);
      that(/tokenizer/.test(problem.code) && /line 1/.test(problem.sentence), `${problem.code}: ${problem.sentence}`);
      equal(info.vocab_size, 330, "vocabulary of the run that stays");
      await byId(page, "step").click();
      await page.waitForFunction(() => window.__trainyard.step === 1, undefined, { timeout: 30_000 });
    },
  },
  {
    name: "heads that do not divide the width are refused",
    run: (context) => refusedSettings(context, { hash: SORT, changes: [["model", "n_head", 5]], words: /5/ }),
  },
  {
    name: "a model too big for the adapter is refused with numbers",
    run: (context) =>
      refusedSettings(context, {
        hash: TEXT,
        changes: [["model", "n_layer", 12], ["model", "n_head", 12], ["model", "n_embd", 768], ["model", "context", 512], ["optimizer", "batch", 512]],
        words: /\d.*(?:GiB|GB|MiB|MB|bytes)/,
      }),
  },
  {
    name: "an absurd learning rate ends in the diverged state, and the button gets out of it",
    run: async (context) => {
      // Weight decay at this rate multiplies the weights by -99 in every step.
      const page = await context.open({ hash: "#v=1&preset=sort&dropout=0&lr=1000&clip=0&steps=3000" });
      await reached(page, ["ready"]);
      await byId(page, "train").click();
      await reached(page, ["diverged"], 120_000);
      const { losses, step } = await state(page);
      that(losses.length > 0 && step > 0, "the curve is gone");
      await byId(page, "diverged").waitFor();
      await byId(page, "remedy-lower_lr").click();
      await reached(page, ["training"], 60_000);
      equal(await page.evaluate(() => window.__trainyard.info.settings.lr), 100, "learning rate");
    },
  },
  {
    name: "without WebGPU a tiny model learns on the CPU",
    run: async (context) => {
      const page = await context.open({ without: "gpu" });
      await reached(page, ["no_webgpu"], 30_000);
      that((await byId(page, "problem-sentence").textContent()).includes("WebGPU"), "the sentence does not name WebGPU");
      await byId(page, "remedy-train_on_cpu").click();
      await reached(page, ["ready"], 60_000);
      equal((await state(page)).caps.device, "cpu", "device");
      await byId(page, "train").click();
      await page.waitForFunction(
        () => {
          const { losses, info } = window.__trainyard;
          const recent = losses.slice(-10).map(({ loss }) => loss);
          return recent.length === 10 && recent.reduce((a, b) => a + b, 0) / 10 < info.random_guess * 0.8;
        },
        undefined,
        { timeout: 120_000, polling: 200 },
      );
      const { losses, info } = await state(page);
      context.log(`CPU: loss ${losses.at(-1).loss.toFixed(3)} at step ${losses.at(-1).step}, random guess ${info.random_guess.toFixed(3)}`);
    },
    expects: [/No available adapters/, /WebGPU/],
  },
  {
    name: "a text given while training asks for nothing and starts over",
    run: async (context) => {
      const page = await context.open({ hash: TEXT });
      await reached(page, ["ready"]);
      await byId(page, "train").click();
      await page.waitForFunction(() => window.__trainyard.step >= 3, undefined, { timeout: 60_000 });
      await drop(page, "mine.txt", new TextEncoder().encode(story()));
      await page.waitForFunction(() => window.__trainyard.info.data.name === "mine.txt", undefined, { timeout: 60_000 });
      await reached(page, ["ready"]);
      equal((await state(page)).step, 0, "step");
    },
  },
  {
    name: "shaders compile without a word from the browser",
    real: true,
    run: async (context) => {
      let compiled = 0;
      for (const preset of ["reverse", "gpt-6", "nanogpt-cpu", "bench-b"]) {
        const page = await context.open({ hash: "#v=1&preset=sort", init: listen, worker: watchShaders });
        await reached(page, ["ready"]);
        await byId(page, preset.startsWith("bench") ? "presets-benchmarks" : "presets-decoder-only").evaluate((node) => { node.open = true; });
        await byId(page, `preset-${preset}`).check({ force: true });
        if (preset === "nanogpt-cpu") {
          await page.waitForFunction(() => window.__trainyard.problem?.code === "text_needed", undefined, { timeout: 30_000 });
          await drop(page, "input.txt", new TextEncoder().encode(story()));
        }
        await page.waitForFunction(() => window.__trainyard.status === "ready" && window.__trainyard.problem === null, undefined, { timeout: 120_000 });
        await page.waitForTimeout(300);
        const { control, modules, messages } = await page.evaluate(() => window.shaderReport);
        that(control > 0, "a broken shader went unnoticed: the check itself does not work");
        that(modules > 0, "no shader was seen");
        equal(messages.join("\n"), "", `messages for ${preset}`);
        compiled += modules;
      }
      context.log(`${compiled} shader modules, no message`);
      below(0, compiled, "modules");
    },
  },
];

/** In the page: collects what the worker reports. */
function listen() {
  window.shaderReport = { control: 0, modules: 0, messages: [] };
  new BroadcastChannel("shader-check").onmessage = ({ data }) => {
    if (data.control !== undefined) window.shaderReport.control = data.control;
    else {
      window.shaderReport.modules += 1;
      window.shaderReport.messages.push(...data.messages);
    }
  };
}

/** In the worker, before its own code: asks the browser about every shader, and about one that is broken on purpose. */
function watchShaders() {
  const channel = new BroadcastChannel("shader-check");
  const create = GPUDevice.prototype.createShaderModule;
  let controlled = false;
  GPUDevice.prototype.createShaderModule = function (descriptor) {
    if (!controlled) {
      controlled = true;
      this.pushErrorScope("validation");
      const broken = create.call(this, { code: "fn broken( {" });
      void this.popErrorScope();
      void broken.getCompilationInfo().then(({ messages }) => channel.postMessage({ control: messages.length }));
    }
    const module = create.call(this, descriptor);
    void module.getCompilationInfo().then(({ messages }) => {
      channel.postMessage({ messages: messages.map((message) => `${descriptor.label ?? "shader"}:${message.lineNum}: ${message.type}: ${message.message}`) });
    });
    return module;
  };
}
