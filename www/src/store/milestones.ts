/** Events of a run worth saying once, for the live region and the notes. They follow the run, not a timer. */

export interface Milestone {
  id: "learned" | "halved" | "solved";
  sentence: string;
}

export interface Standing {
  step: number;
  /** Smoothed training loss. */
  loss: number | undefined;
  /** Loss of a uniform guess. */
  guess: number;
  accuracy: number | undefined;
}

export class Milestones {
  private readonly said = new Set<Milestone["id"]>();

  /** What has become true since the last call; each sentence comes once a run. */
  next(standing: Standing): Milestone[] {
    const found: Milestone[] = [];
    const say = (id: Milestone["id"], sentence: string): void => {
      if (this.said.has(id)) return;
      this.said.add(id);
      found.push({ id, sentence });
    };
    const { step, loss, guess, accuracy } = standing;
    if (loss !== undefined && loss < 0.9 * guess) {
      say("learned", `Step ${step}: the loss is below a random guess. The model has learned something.`);
    }
    if (loss !== undefined && loss < 0.5 * guess) say("halved", `Step ${step}: the loss is half that of a random guess.`);
    if (accuracy !== undefined && accuracy >= 0.99) {
      say("solved", `Step ${step}: ${(accuracy * 100).toFixed(1)} % of held-out examples are answered exactly.`);
    }
    return found;
  }
}
