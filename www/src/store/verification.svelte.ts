/**
 * Known answers on the page: which files are run, how far they are, and what came out. Files wait for each other, since
 * they share one device.
 */
import operations from "../../../tests/fixtures/ops_kat.json?url";
import models from "../../../tests/fixtures/model_kat.json?url";
import type { Event } from "../engine/protocol.ts";
import type { KnownAnswer } from "../engine/surface.ts";
import { readText } from "./text.ts";

/** The files that are part of the page, fetched when they are asked for. */
const BUILT_IN = [
  { name: "model_kat.json", address: models },
  { name: "ops_kat.json", address: operations },
];

export type VerificationEvent = Extract<Event, { type: "verifying" | "verified" | "unverified" }>;

/** A file of known answers, and what is known of it so far. */
export interface AnswerFile {
  name: string;
  state: "waiting" | "running" | "complete" | "stopped" | "failed";
  /** Cases in it, once it has been read. */
  total: number;
  /** The case under way. */
  current: string;
  results: KnownAnswer[];
  /** Why the file could not be run. */
  fault?: string;
}

export interface VerificationEngine {
  /** Starts a verification and gives its number. */
  verify: (text: string) => number;
  stop: (id: number) => void;
  /** Says a sentence to people who cannot see the table. */
  say: (sentence: string) => void;
}

interface Source {
  name: string;
  read: () => Promise<string>;
}

/** A file's text, or why there is none. */
async function attempt({ read }: Source): Promise<{ text: string } | { fault: string }> {
  try {
    return { text: await read() };
  } catch (thrown) {
    return { fault: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}

export class Verification {
  open = $state(false);
  files = $state.raw<AnswerFile[]>([]);
  /** The texts of the files that are not done, in the order of `files`. */
  private texts: string[] = [];
  private id = 0;
  /** Raised when everything starts over or stops, so that what was being read for an earlier time is dropped. */
  private round = 0;

  readonly running: boolean = $derived(this.files.some(({ state }) => state === "waiting" || state === "running"));
  readonly counts: Record<KnownAnswer["outcome"], number> = $derived.by(() => {
    const counts = { pass: 0, fail: 0, skip: 0 };
    for (const { outcome } of this.files.flatMap(({ results }) => results)) counts[outcome] += 1;
    return counts;
  });
  /** Every file was run to its end, something was compared, and nothing was off. */
  readonly passed: boolean = $derived(
    this.files.length > 0 && this.files.every(({ state }) => state === "complete") && this.counts.fail === 0 && this.counts.pass > 0,
  );

  constructor(private readonly engine: VerificationEngine) {}

  /** Runs the files that come with the page. */
  builtIn(): Promise<void> {
    return this.run(
      BUILT_IN.map(({ name, address }) => ({
        name,
        read: async () => {
          const response = await fetch(address);
          if (!response.ok) throw new Error(`The page's ${name} could not be fetched (status ${response.status}).`);
          return response.text();
        },
      })),
    );
  }

  /** Runs files of the visitor's. */
  own(files: readonly File[]): Promise<void> {
    return this.run(
      files.map((file) => ({
        name: file.name,
        read: async () => {
          const bytes = new Uint8Array(await file.arrayBuffer());
          readText(file.name, bytes);
          return new TextDecoder().decode(bytes);
        },
      })),
    );
  }

  /** Ends after the case under way. */
  stop(): void {
    this.files = this.files.map((file) => (file.state === "waiting" ? { ...file, state: "stopped" } : file));
    this.texts = [];
    this.round += 1;
    this.engine.stop(this.id);
  }

  /** Forgets everything: the device is another one. */
  reset(): void {
    this.round += 1;
    this.id = 0;
    this.texts = [];
    this.files = [];
  }

  /** The engine is gone; what was under way will not come back. */
  interrupt(sentence: string): void {
    this.texts = [];
    this.files = this.files.map((file) =>
      file.state === "running" ? { ...file, state: "failed", fault: sentence } : file.state === "waiting" ? { ...file, state: "stopped" } : file,
    );
  }

  receive(event: VerificationEvent): void {
    if (event.id !== this.id) return;
    switch (event.type) {
      case "verifying":
        this.change((file) => ({
          ...file,
          total: event.total,
          current: event.name,
          results: event.result === undefined ? file.results : [...file.results, event.result],
        }));
        return;
      case "verified":
        this.change((file) => ({ ...file, state: event.complete ? "complete" : "stopped" }));
        this.next();
        return;
      case "unverified":
        this.change((file) => ({ ...file, state: "failed", fault: event.error.message }));
        this.next();
        return;
    }
  }

  private async run(sources: readonly Source[]): Promise<void> {
    if (this.running || sources.length === 0) return;
    this.reset();
    const { round } = this;
    this.files = sources.map(({ name }) => ({ name, state: "waiting", total: 0, current: "", results: [] }));
    const read = await Promise.all(sources.map(attempt));
    if (round !== this.round) return;
    this.files = this.files.map((file, i) => {
      const one = read[i];
      return one !== undefined && "fault" in one ? { ...file, state: "failed", fault: one.fault } : file;
    });
    this.texts = read.flatMap((one) => ("text" in one ? [one.text] : []));
    this.next();
  }

  private next(): void {
    const text = this.texts.shift();
    const waiting = this.files.findIndex(({ state }) => state === "waiting");
    if (text === undefined || waiting < 0) {
      const { pass, fail, skip } = this.counts;
      this.engine.say(`${pass} known answers passed, ${fail} failed, ${skip} skipped.`);
      return;
    }
    this.files = this.files.map((file, i) => (i === waiting ? { ...file, state: "running" } : file));
    this.id = this.engine.verify(text);
  }

  private change(how: (file: AnswerFile) => AnswerFile): void {
    this.files = this.files.map((file) => (file.state === "running" ? how(file) : file));
  }
}
