/**
 * Known answers in the worker: one file at a time, one case at a time, and between two cases a turn for what the page
 * has to say, so that a verification can be stopped.
 */
import { describeError, type Command, type Event } from "./protocol.ts";
import type { EngineHandle } from "./surface.ts";

export interface VerifierOptions {
  post: (event: Event) => void;
  breathe: () => Promise<void>;
}

export class Verifier {
  /** Verifications up to this number are not wanted any more. */
  private stopped = 0;

  constructor(private readonly options: VerifierOptions) {}

  /** Ends a verification after the case under way, or before it has begun. */
  stop(id: number): void {
    this.stopped = Math.max(this.stopped, id);
  }

  async run(engine: EngineHandle, { id, text }: Extract<Command, { type: "verify" }>): Promise<void> {
    const { post, breathe } = this.options;
    let cases = 0;
    try {
      const results = await engine.verify(text, async (done, total, name, result) => {
        cases = total;
        post({ type: "verifying", id, done, total, name, ...(result === undefined ? {} : { result }) });
        await breathe();
        return id > this.stopped;
      });
      post({ type: "verified", id, complete: results.length === cases });
    } catch (thrown) {
      post({ type: "unverified", id, error: describeError(thrown, "verify") });
    }
  }
}
