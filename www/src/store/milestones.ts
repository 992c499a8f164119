/** Events of a run worth saying once, for the live region and the notes. They follow the run, not a timer. */
import { headName } from "./format.ts";
import type { StageName } from "../engine/surface.ts";
import type { HeadPattern } from "./patterns.ts";

export interface Milestone {
  id: "learned" | "halved" | "worse" | "backwards" | "copies" | "induction" | "solved";
  sentence: string;
  /** The head that it is about. */
  head?: { stage: StageName; layer: number; head: number };
}

export interface Standing {
  step: number;
  /** Smoothed training loss. */
  loss: number | undefined;
  /** Loss of a uniform guess. */
  guess: number;
  accuracy: number | undefined;
  /** Heads whose pattern is clear enough for a name. */
  heads: readonly HeadPattern[];
}

/** A loss above so many random guesses, after so many steps, is no accident of the start. */
const WORSE = { guesses: 3, step: 20 };

/** Looking so many tokens back is no neighborhood any more: it takes counting. */
const FAR_BACK = 3;

/** The patterns that nobody expects, and what they mean. */
export function news(pattern: HeadPattern): Milestone | undefined {
  // In an encoder nothing is written, and neighbors on both sides make for many accidents.
  if (pattern.stage === "encoder") return undefined;
  const head = { stage: pattern.stage, layer: pattern.layer, head: pattern.head };
  const name = `${pattern.stage === "cross" ? "Cross-attention, layer" : "Layer"} ${headName(head).slice("Layer ".length)}`;
  const back = /^(\d+) back$/.exec(pattern.name)?.[1];
  if (pattern.name === "anti-diagonal") {
    const sentence = `${name} reads backwards: each letter it writes comes from one place further left. Nobody programmed this.`;
    return { id: "backwards", sentence, head };
  }
  if (Number(back) >= FAR_BACK) return { id: "copies", sentence: `${name} looks exactly ${back ?? ""} tokens back. Nobody programmed this.`, head };
  if (pattern.name === "induction") {
    return { id: "induction", sentence: `${name} looks for what came after the same token before: an induction head. Nobody programmed this.`, head };
  }
  return undefined;
}

export class Milestones {
  private readonly said = new Set<Milestone["id"]>();

  /** What has become true since the last call; each sentence comes once a run. */
  next(standing: Standing): Milestone[] {
    const { step, loss, guess, accuracy, heads } = standing;
    const found: Milestone[] = [];
    if (loss !== undefined && loss < 0.9 * guess) {
      found.push({ id: "learned", sentence: `Step ${step}: the loss is below a random guess. The model has learned something.` });
    }
    if (loss !== undefined && loss < 0.5 * guess) found.push({ id: "halved", sentence: `Step ${step}: the loss is half that of a random guess.` });
    if (loss !== undefined && loss > WORSE.guesses * guess && step > WORSE.step) {
      found.push({ id: "worse", sentence: `Step ${step}: the loss is far above a random guess. The learning rate is likely too high.` });
    }
    for (const pattern of heads) {
      const one = news(pattern);
      if (one !== undefined) found.push({ ...one, sentence: `Step ${step}: ${one.sentence}` });
    }
    if (accuracy !== undefined && accuracy >= 0.99) {
      found.push({ id: "solved", sentence: `Step ${step}: ${(accuracy * 100).toFixed(1)} % of held-out examples are answered exactly.` });
    }
    return found.filter(({ id }) => {
      const fresh = !this.said.has(id);
      this.said.add(id);
      return fresh;
    });
  }
}
