/** The worker's loop over the stand-in engine: what is asked happens, in order, and nothing else. */
import { describe, expect, it } from "vitest";
import type { Event } from "../../src/engine/protocol.ts";
import { CALL_MS, nextSteps, Periodic } from "../../src/engine/pace.ts";
import { Runner } from "../../src/engine/runner.ts";
import type { RunConfig } from "../../src/engine/surface.ts";
import { makeFake, type FakeOptions } from "../fake/engine.ts";

const sort: RunConfig = { preset: "sort", settings: { steps: 400 }, seed: 1 };
/** A run that does not end while a test looks at it. */
const long: RunConfig = { preset: "sort", settings: { steps: 100_000 }, seed: 1 };

/** A runner on a clock that moves ten milliseconds with every turn of its loop. */
async function started(options: Partial<FakeOptions> = {}) {
  const events: Event[] = [];
  let now = 0;
  const runner = new Runner(makeFake({ lag: 2, ...options }), {
    post: (event) => events.push(event),
    now: () => now,
    breathe: () => {
      now += 10;
      return new Promise((resolve) => setImmediate(resolve));
    },
  });
  await runner.create("gpu");
  const until = async (test: () => boolean): Promise<void> => {
    for (let turn = 0; turn < 20_000 && !test(); turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(test()).toBe(true);
  };
  const of = <T extends Event["type"]>(type: T) => events.filter((event): event is Extract<Event, { type: T }> => event.type === type);
  const last = () => of("metrics").at(-1)?.records.at(-1)?.step ?? 0;
  const states = () => of("state").map(({ state }) => state);
  return { runner, events, until, of, last, states };
}

describe("runner", () => {
  it("compiles with progress, then shows the maps of the first weights", async () => {
    const { runner, events, until, of } = await started();
    runner.send({ type: "configure", run: 1, config: sort });
    await until(() => of("snapshot").length === 1);
    expect(of("compiling").at(-1)).toMatchObject({ done: 31, total: 31 });
    expect(events.findIndex((event) => event.type === "configured")).toBeLessThan(events.findIndex((event) => event.type === "snapshot"));
    expect(of("snapshot")[0]?.inspection.step).toBe(0);
  });

  it("trains to the end: every step once and in order, evaluated, shown, finished", async () => {
    const { runner, until, of, states } = await started();
    runner.send({ type: "configure", run: 1, config: sort });
    runner.send({ type: "start", run: 1 });
    await until(() => states().includes("finished"));
    const steps = of("metrics").flatMap(({ records }) => records.map(({ step }) => step));
    expect(steps).toEqual(Array.from({ length: 400 }, (_, i) => i + 1));
    expect(of("evaluation").at(-1)?.evaluation.step).toBe(400);
    expect(of("snapshot").at(-1)?.inspection.step).toBe(400);
    expect(of("sample").length).toBeGreaterThan(0);
  });

  it("pauses: what was in flight is read, then nothing moves; a step is exactly one", async () => {
    const { runner, until, of, last, states } = await started();
    runner.send({ type: "configure", run: 1, config: long });
    runner.send({ type: "start", run: 1 });
    await until(() => last() > 20);
    runner.send({ type: "pause", run: 1 });
    await until(() => states().at(-1) === "paused");
    const stood = last();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(last()).toBe(stood);
    runner.send({ type: "step", run: 1, count: 1 });
    await until(() => of("state").length === 3);
    expect(last()).toBe(stood + 1);
    await until(() => of("snapshot").at(-1)?.inspection.step === stood + 1);
  });

  it("serves the probe and a prompt while it trains", async () => {
    const { runner, until, of, last } = await started();
    runner.send({ type: "configure", run: 1, config: long });
    runner.send({ type: "start", run: 1 });
    await until(() => last() > 5);
    runner.send({ type: "probe", run: 1, probe: { text: "abc" } });
    runner.send({ type: "generate", run: 1, id: 7, request: { prompt: "cab|", max_new: 8, temperature: 0, top_k: 1, seed: 1 } });
    await until(() => of("generated").length === 1);
    expect(of("snapshot").at(-1)?.inspection.tokens).toEqual(["a", "b", "c"]);
    expect(of("generated")[0]).toMatchObject({ id: 7 });
  });

  it("writes a long text in pieces, and trains in between", async () => {
    const { runner, events, until, of, last } = await started();
    runner.send({ type: "configure", run: 1, config: { preset: "story", settings: { steps: 100_000 }, seed: 1 } });
    runner.send({ type: "start", run: 1 });
    await until(() => last() > 5);
    runner.send({ type: "generate", run: 1, id: 3, request: { prompt: "the ", max_new: 160, temperature: 1, top_k: 5, seed: 1 } });
    await until(() => of("generated").at(-1)?.done === true);
    const pieces = of("generated");
    expect(pieces.map(({ done }) => done)).toEqual(Array.from({ length: 20 }, (_, i) => i === 19));
    for (const [i, { generation }] of pieces.entries()) {
      expect(generation.prompt).toBe("the ");
      expect(generation.text.startsWith(pieces[i - 1]?.generation.text ?? "")).toBe(true);
    }
    const places = pieces.map((piece) => events.indexOf(piece));
    expect(events.slice(places[0], places[19]).some(({ type }) => type === "metrics")).toBe(true);
  });

  it("pauses once when the task is solved, and goes on when asked to", async () => {
    const { runner, until, of, last, states } = await started();
    runner.send({ type: "configure", run: 1, config: { preset: "reverse", settings: { steps: 400_000, eval_every: 50 }, seed: 1 } });
    runner.send({ type: "start", run: 1 });
    await until(() => of("state").at(-1)?.solved === true);
    expect(states().at(-1)).toBe("paused");
    expect(of("evaluation").slice(-3).every(({ evaluation }) => (evaluation.accuracy ?? 0) >= 0.99)).toBe(true);
    expect(last()).toBeLessThan(400_000);
    runner.send({ type: "start", run: 1 });
    await until(() => states().includes("finished"));
    expect(of("state").filter(({ solved }) => solved === true).length).toBe(1);
  });

  it("never evaluates when told so, from the start or while it runs", async () => {
    const { runner, until, of, last, states } = await started();
    runner.send({ type: "configure", run: 1, config: { ...sort, settings: { steps: 400, eval_every: 0 } } });
    runner.send({ type: "start", run: 1 });
    await until(() => states().includes("finished"));
    expect(of("evaluation")).toEqual([]);
    runner.send({ type: "configure", run: 2, config: { ...long, settings: { steps: 100_000, eval_every: 5 } } });
    runner.send({ type: "start", run: 2 });
    await until(() => of("evaluation").length > 2);
    runner.send({ type: "live", run: 2, key: "eval_every", value: 0 });
    const stood = last();
    await until(() => last() > stood + 50_000);
    expect(of("evaluation").at(-1)?.evaluation.step).toBeLessThan(stood + 1000);
  });

  it("keeps the old run when a new one is refused", async () => {
    const { runner, until, of, last, states } = await started();
    runner.send({ type: "configure", run: 1, config: long });
    runner.send({ type: "start", run: 1 });
    await until(() => last() > 5);
    runner.send({ type: "configure", run: 2, config: { ...sort, settings: { n_head: 7 } } });
    await until(() => of("error").length === 1);
    expect(of("error")[0]).toMatchObject({ run: 2, error: { code: "config", during: "configure" } });
    expect(states().at(-1)).toBe("paused");
    const stood = last();
    runner.send({ type: "step", run: 1, count: 1 });
    await until(() => last() === stood + 1);
  });

  it("ends in the diverged state and stays there", async () => {
    const { runner, until, of, states } = await started();
    runner.send({ type: "configure", run: 1, config: { ...sort, settings: { lr: 1 } } });
    runner.send({ type: "start", run: 1 });
    await until(() => states().includes("diverged"));
    expect(of("state").at(-1)?.diverged).toMatchObject({ step: 60, value: "NaN" });
    runner.send({ type: "start", run: 1 });
    runner.send({ type: "step", run: 1, count: 1 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(states().at(-1)).toBe("diverged");
  });

  it("ignores commands of an older run", async () => {
    const { runner, until, of, states } = await started();
    runner.send({ type: "configure", run: 1, config: sort });
    runner.send({ type: "configure", run: 2, config: sort });
    runner.send({ type: "start", run: 1 });
    await until(() => of("configured").length === 2);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(states()).toEqual([]);
  });

  it("falls back to the run's own probe when the visitor's does not fit", async () => {
    const { runner, until, of } = await started();
    runner.send({ type: "configure", run: 1, config: sort, probe: { text: "far too long for a context of eleven" } });
    await until(() => of("snapshot").length === 1);
    expect(of("error")).toEqual([]);
    expect(of("snapshot")[0]?.inspection.tokens.join("")).toBe("cabbac|aabb");
    expect(of("shown").at(-1)).toMatchObject({ replaced: true, probe: { text: "cabbac|aabb" } });
  });

  it("hides what the visitor hides, and shows the text before and after", async () => {
    const { runner, until, of } = await started();
    const text = "I love this red car";
    runner.send({ type: "configure", run: 1, config: { preset: "figure-bert", settings: {}, seed: 1 }, probe: { text, hidden: [1] } });
    await until(() => of("snapshot").length === 1);
    expect(of("shown")[0]).toMatchObject({ replaced: false, shown: { objective: "mlm", changed: [{ role: "masked", text: { start: 1 } }] } });
    expect(of("snapshot")[0]?.inspection.predictions.map(({ expected }) => expected)).toEqual(["love"]);
    runner.send({ type: "probe", run: 1, probe: { text, hidden: [0, 4] } });
    await until(() => of("snapshot").length === 2);
    expect(of("snapshot")[1]?.inspection.tokens).toEqual(["[CLS]", "[MASK]", "love", "this", "red", "[MASK]", "[SEP]"]);
    expect(of("snapshot")[1]?.inspection.predictions.map(({ position }) => position)).toEqual([1, 5]);
  });

  it("shows an answer token by token, and ends it when it is pointless", async () => {
    const { runner, until, of } = await started();
    runner.send({ type: "configure", run: 1, config: { preset: "figure-t5", settings: {}, seed: 1 } });
    await until(() => of("snapshot").length === 1);
    const ask = (id: number): void => {
      runner.send({ type: "generate", run: 1, id, request: { prompt: "I love this red car", max_new: 64, temperature: 0, top_k: 1, seed: 1 } });
    };
    ask(1);
    await until(() => of("generated").at(-1)?.done === true);
    expect(of("generated").map(({ generation }) => generation.text)).toEqual(["<extra_id_0>", "<extra_id_0> love", "<extra_id_0> love </s>", "<extra_id_0> love </s>"]);
    ask(2);
    await until(() => of("generated").length === 5);
    ask(3);
    await until(() => of("generated").some(({ id, done }) => id === 3 && done));
    expect(of("generated").filter(({ id }) => id === 2).at(-1)?.generation.text).not.toContain("</s>");
  });

  it("writes no samples of a model that fills gaps", async () => {
    const { runner, until, of, states } = await started();
    runner.send({ type: "configure", run: 1, config: { preset: "figure-bert", settings: {}, seed: 1 } });
    runner.send({ type: "start", run: 1 });
    await until(() => states().includes("finished"));
    expect(of("sample")).toEqual([]);
    expect(of("error")).toEqual([]);
  });

  it("tells the learning rate of a run that there is not yet", async () => {
    const { runner, of } = await started();
    runner.send({ type: "schedule", preset: "sort", settings: { lr: 0.5, warmup: 4, steps: 10 }, points: 100 });
    const points = of("schedule")[0]?.points;
    expect(points?.length).toBe(10);
    expect(points?.[0]).toEqual([0, 0.1]);
    expect(points?.at(-1)).toEqual([9, 0.5]);
  });

  it("says why there is no engine", async () => {
    const { events } = await started({ failCreate: "no_webgpu" });
    expect(events).toMatchObject([{ type: "error", error: { code: "no_webgpu", during: "init" } }]);
  });

  it("gives the same losses for the same seed, and others for another", async () => {
    const losses = async (seed: number) => {
      const { runner, until, of, states } = await started();
      runner.send({ type: "configure", run: 1, config: { ...sort, seed } });
      runner.send({ type: "start", run: 1 });
      await until(() => states().includes("finished"));
      return of("metrics").flatMap(({ records }) => records.map(({ loss }) => loss));
    };
    const [first, second, other] = [await losses(1), await losses(1), await losses(2)];
    expect(second).toEqual(first);
    expect(other).not.toEqual(first);
  });
});

describe("pace", () => {
  it("settles where a call takes what it should, on fast and slow machines", () => {
    for (const msPerStep of [0.4, 1, 7, 33]) {
      let steps = 1;
      for (let call = 0; call < 20; call += 1) steps = nextSteps(steps, steps * msPerStep);
      expect(steps * msPerStep).toBeGreaterThan(CALL_MS * 0.6);
      expect(steps * msPerStep).toBeLessThan(CALL_MS * 1.4);
    }
    expect(nextSteps(1, 900)).toBe(1);
  });
  it("does dear side work less often", () => {
    const job = new Periodic(100, 0.1);
    expect(job.due(0)).toBe(true);
    job.done(0, 50);
    expect(job.due(400)).toBe(false);
    expect(job.due(560)).toBe(true);
    job.reset();
    expect(job.due(561)).toBe(true);
  });
});
