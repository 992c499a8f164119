/** Known answers on the page: the worker's part over the stand-in engine, and the store's part over a list of commands. */
import { describe, expect, it } from "vitest";
import type { Event } from "../../src/engine/protocol.ts";
import { Runner } from "../../src/engine/runner.ts";
import { small } from "../../src/store/format.ts";
import { makeFake } from "../fake/engine.ts";

const FILE = JSON.stringify({ cases: { right: { loss: 4 }, wrong: { loss: 101 }, unknown: { class: "Unknown" }, _about: {} } });

async function started() {
  const events: Event[] = [];
  let now = 0;
  const breathe = (): Promise<void> => {
    now += 10;
    return new Promise((resolve) => setImmediate(resolve));
  };
  const runner = new Runner(makeFake(), { post: (event) => events.push(event), now: () => now, breathe });
  await runner.create("gpu");
  const of = <T extends Event["type"]>(type: T) => events.filter((event): event is Extract<Event, { type: T }> => event.type === type);
  const until = async (test: () => boolean): Promise<void> => {
    for (let turn = 0; turn < 2000 && !test(); turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(test()).toBe(true);
  };
  return { runner, of, until };
}

describe("verification in the worker", () => {
  it("needs no run, tells each case before it is run, and its result after", async () => {
    const { runner, of, until } = await started();
    runner.send({ type: "verify", id: 1, text: FILE });
    await until(() => of("verified").length === 1);
    expect(of("verified")).toEqual([{ type: "verified", id: 1, complete: true }]);
    const told = of("verifying");
    expect(told.map(({ done, total, name }) => `${done}/${total} ${name}`)).toEqual(["0/3 right", "1/3 wrong", "2/3 unknown", "3/3 "]);
    expect(told.map(({ result }) => result?.outcome)).toEqual([undefined, "pass", "fail", "skip"]);
    expect(told[1]?.result?.worst).toEqual({ quantity: "loss", error: 3e-7, gate: 1e-5 });
  });

  it("stops between two cases, and before the first when it has not begun", async () => {
    const { runner, of, until } = await started();
    runner.send({ type: "verify", id: 1, text: FILE });
    runner.send({ type: "verify", id: 2, text: FILE });
    await until(() => of("verifying").length === 2);
    runner.send({ type: "stop_verify", id: 2 });
    await until(() => of("verified").length === 2);
    expect(of("verified").map(({ complete }) => complete)).toEqual([false, false]);
    expect(of("verifying").filter(({ id }) => id === 1)).toHaveLength(2);
    expect(of("verifying").filter(({ id, result }) => id === 2 && result !== undefined)).toHaveLength(0);
    runner.send({ type: "verify", id: 3, text: FILE });
    await until(() => of("verified").length === 3);
    expect(of("verified").at(-1)?.complete).toBe(true);
  });

  it("pauses training first, and leaves the run as it was", async () => {
    const { runner, of, until } = await started();
    runner.send({ type: "configure", run: 1, config: { preset: "sort", settings: { steps: 100_000 }, seed: 1 } });
    runner.send({ type: "start", run: 1 });
    await until(() => of("metrics").length > 1);
    runner.send({ type: "verify", id: 1, text: FILE });
    await until(() => of("verified").length === 1);
    expect(of("state").at(-1)?.state).toBe("paused");
    const before = of("metrics").length;
    runner.send({ type: "start", run: 1 });
    await until(() => of("metrics").length > before);
  });

  it("says why a file cannot be run, with the engine's code", async () => {
    const { runner, of, until } = await started();
    runner.send({ type: "verify", id: 1, text: "loss" });
    await until(() => of("unverified").length === 1);
    expect(of("unverified")[0]).toMatchObject({ id: 1, error: { code: "known_answers", during: "verify" } });
    expect(of("error")).toEqual([]);
  });
});

describe("errors and gates", () => {
  it("are written by their size, and what is no number is not hidden", () => {
    expect([3.04e-7, 1e-5, 0, Number.NaN].map(small)).toEqual(["3e-7", "1e-5", "0", "no number"]);
  });
});
