/**
 * Texts that the model writes: samples while it trains, and what the visitor asks for.
 *
 * Writing costs a pass of the model for every token. On a slow device a sample is therefore shorter, and a visitor's
 * text comes in pieces between which training goes on. An answer, to a task's question or to what an encoder has read,
 * cannot be cut: it is short, and shown token by token.
 */
import type { EngineHandle, Generation, GenerateRequest, RunInfo } from "./surface.ts";

/** Whether a model writes texts: an encoder by itself fills gaps. */
export const writes = ({ architecture }: RunInfo): boolean => architecture !== "encoder-only";

/** Whether it answers as a whole what it is given, instead of writing on. */
export const answers = ({ architecture, data }: RunInfo): boolean => architecture === "encoder-decoder" || data.kind === "task";

/** What a piece may take, in milliseconds. */
const PIECE_MS = 150;
const PIECE_TOKENS = { least: 8, most: 64 };
const SAMPLE_TOKENS = { least: 24, most: 120 };
/** Longer than any answer; the engine stops where the answer ends. */
const ANSWER_TOKENS = 64;

interface Writing {
  id: number;
  request: GenerateRequest;
  /** As the engine shows it, from the first piece on. */
  prompt: string | undefined;
  text: string;
  left: number;
  pieces: number;
}

export interface Piece {
  id: number;
  /** Everything written so far. */
  generation: Generation;
  done: boolean;
}

export class Writer {
  private writing: Writing | undefined;
  private samples = 0;
  /** Of the last text, in milliseconds; 0 before any. */
  private msPerToken = 0;

  constructor(private readonly now: () => number) {}

  get busy(): boolean {
    return this.writing !== undefined;
  }

  /** A new request takes the place of one that is not finished. */
  ask(id: number, request: GenerateRequest): void {
    this.writing = { id, request, prompt: undefined, text: "", left: request.max_new, pieces: 0 };
  }

  /** Writes the next piece of what was asked for; of an answer `watch` sees the beginnings, and ends it with `false`. */
  async piece(engine: EngineHandle, whole: boolean, watch: (piece: Piece) => Promise<boolean>): Promise<Piece | undefined> {
    const writing = this.writing;
    // If this piece fails, there is nothing to go on with.
    this.writing = undefined;
    if (writing === undefined) return undefined;
    const { request } = writing;
    const max_new = whole ? Math.min(writing.left, ANSWER_TOKENS) : Math.min(writing.left, this.affordable(PIECE_MS, PIECE_TOKENS));
    const seed = (request.seed + writing.pieces) >>> 0;
    const begun = (text: string): Promise<boolean> => watch({ id: writing.id, generation: { prompt: request.prompt, text }, done: false });
    const piece = await this.timed(engine, { ...request, prompt: request.prompt + writing.text, max_new, seed }, whole ? begun : undefined);
    writing.prompt ??= piece.prompt;
    writing.text += piece.text;
    writing.left -= max_new;
    writing.pieces += 1;
    const done = whole || writing.left <= 0 || piece.text === "";
    if (!done) this.writing = writing;
    return { id: writing.id, generation: { ...piece, prompt: writing.prompt, text: writing.text }, done };
  }

  /** An answer that the model finds likeliest (to a held-out question, where there are any), or a continuation drawn at random. */
  sample(engine: EngineHandle, info: RunInfo, { source, prompt }: { source: string; prompt: string }): Promise<Generation> {
    this.samples += 1;
    const seed = this.samples;
    return answers(info)
      ? this.timed(engine, { prompt: info.data.kind === "task" ? "" : source, max_new: ANSWER_TOKENS, temperature: 0, top_k: 1, seed })
      : this.timed(engine, { prompt, max_new: this.affordable(2 * PIECE_MS, SAMPLE_TOKENS), temperature: 0.8, top_k: 40, seed });
  }

  private async timed(engine: EngineHandle, request: GenerateRequest, each?: (text: string) => Promise<boolean>): Promise<Generation> {
    const started = this.now();
    const generation = await engine.generate(request, each);
    // Every token has at least a character, so that this counts no token too few.
    this.msPerToken = (this.now() - started) / Math.max(1, Math.min(generation.text.length, request.max_new));
    return generation;
  }

  /** How many tokens can be written in a time, between the fewest and the most that make sense. */
  private affordable(ms: number, { least, most }: { least: number; most: number }): number {
    return this.msPerToken > 0 ? Math.max(least, Math.min(most, Math.floor(ms / this.msPerToken))) : least;
  }
}
