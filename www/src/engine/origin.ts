/**
 * Files of a checkpoint for the engine: dropped on the page, or under a URL that the visitor has typed.
 *
 * The engine asks for pieces, in the order in which a file holds them as far as it can. A file on a server is therefore
 * one request whose body is read as the pieces are asked for; only a jump makes a new request, from the new place on if
 * the server knows ranges. Nothing is kept: the peak is a piece. Every failure is a sentence, and so is a cancellation.
 */
import type { CheckpointDirectory, OpenFile } from "./surface.ts";

export type Origin = { files: File[] } | { url: string };

export type Loaded = (name: string, done: number, total: number) => void;

/** Text files are read whole; a server may send them compressed, so that only their body tells their size. */
const MAX_JSON_BYTES = 64 * 1024 * 1024;
/** Bytes that are read and dropped before a new request pays. */
const NEAR_BYTES = 4 * 1024 * 1024;

export class LoadError extends Error {
  constructor(
    readonly code: "cancelled" | "unreachable" | "refused" | "url" | "truncated",
    message: string,
  ) {
    super(message);
  }
}

const cancelled = (): LoadError => new LoadError("cancelled", "Loading was cancelled; the run before is as it was.");

/** The address of a directory; what is no `https:` (or this computer) is refused before anything is sent. */
export function directoryOf(text: string): URL {
  const url = URL.parse(text.trim());
  const local = url !== null && ["localhost", "127.0.0.1"].includes(url.hostname);
  if (url === null || !(url.protocol === "https:" || (local && url.protocol === "http:"))) {
    throw new LoadError("url", `"${text.trim().slice(0, 80)}" is no https:// address of a directory.`);
  }
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}

/** A request; no credentials go along. `undefined` where there is no such file. */
async function request(url: URL, signal: AbortSignal, from = 0): Promise<Response | undefined> {
  let response: Response;
  try {
    response = await fetch(url, { signal, credentials: "omit", ...(from === 0 ? {} : { headers: { range: `bytes=${from}-` } }) });
  } catch {
    if (signal.aborted) throw cancelled();
    throw new LoadError("unreachable", `${url.host} cannot be reached, or does not allow other pages to read its files (CORS).`);
  }
  if (response.status === 404) return undefined;
  if (!response.ok) throw new LoadError("refused", `${url.host} answered ${response.status} for ${url.pathname.split("/").at(-1) ?? ""}.`);
  return response;
}

/** The body of a file on a server, from some place on. */
class Remote implements OpenFile {
  private reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  private rest = new Uint8Array();
  private at = 0;

  constructor(
    private readonly url: URL,
    private readonly signal: AbortSignal,
    response: Response,
    readonly size: number,
  ) {
    this.reader = response.body?.getReader();
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    if (offset < this.at || offset > this.at + NEAR_BYTES) await this.jump(offset);
    await this.take(offset - this.at, undefined);
    const into = new Uint8Array(length);
    await this.take(length, into);
    return into;
  }

  private async jump(offset: number): Promise<void> {
    await this.reader?.cancel().catch(() => undefined);
    const response = await request(this.url, this.signal, offset);
    if (response === undefined) throw new LoadError("refused", `${this.url.href} is gone.`);
    // A server without ranges sends the file from its beginning.
    this.at = response.status === 206 ? offset : 0;
    this.rest = new Uint8Array();
    this.reader = response.body?.getReader();
  }

  /** Takes the next bytes off the body, into an array or nowhere. */
  private async take(length: number, into: Uint8Array | undefined): Promise<void> {
    for (let taken = 0; taken < length; ) {
      if (this.rest.length === 0) this.rest = await this.next();
      const piece = this.rest.subarray(0, length - taken);
      into?.set(piece, taken);
      this.rest = this.rest.subarray(piece.length);
      taken += piece.length;
      this.at += piece.length;
    }
  }

  private async next(): Promise<Uint8Array<ArrayBuffer>> {
    try {
      const next = await this.reader?.read();
      if (next?.value !== undefined) return new Uint8Array(next.value);
    } catch {
      if (this.signal.aborted) throw cancelled();
    }
    throw new LoadError("truncated", `${this.url.host} ended ${this.url.pathname.split("/").at(-1) ?? ""} at ${this.at} of ${this.size} bytes.`);
  }
}

const whole = (bytes: Uint8Array): OpenFile => ({
  size: bytes.length,
  read: (offset, length) => Promise.resolve(bytes.slice(offset, offset + length)),
});

async function openUrl(directory: URL, name: string, signal: AbortSignal): Promise<OpenFile | undefined> {
  const url = new URL(encodeURIComponent(name), directory);
  url.search = directory.search;
  const response = await request(url, signal);
  if (response === undefined) return undefined;
  if (name.endsWith(".json")) {
    if (Number(response.headers.get("content-length") ?? 0) > MAX_JSON_BYTES) throw new LoadError("refused", `${name} has more than ${MAX_JSON_BYTES} bytes.`);
    return whole(new Uint8Array(await response.arrayBuffer()));
  }
  const size = Number(response.headers.get("content-length") ?? Number.NaN);
  if (!Number.isSafeInteger(size)) throw new LoadError("refused", `${url.host} does not say how large ${name} is.`);
  return new Remote(url, signal, response, size);
}

function openDropped(files: File[], name: string): OpenFile | undefined {
  const file = files.find((candidate) => candidate.name === name);
  if (file === undefined) return undefined;
  return { size: file.size, read: async (offset, length) => new Uint8Array(await file.slice(offset, offset + length).arrayBuffer()) };
}

/** The directory that the engine reads. `loaded` hears of the bytes of the weights: so far, and of the files opened. */
export function openOrigin(origin: Origin, signal: AbortSignal, loaded: Loaded): CheckpointDirectory {
  let [done, total] = [0, 0];
  return {
    open: async (name) => {
      if (signal.aborted) throw cancelled();
      const file = "url" in origin ? await openUrl(directoryOf(origin.url), name, signal) : openDropped(origin.files, name);
      if (file === undefined || name.endsWith(".json")) return file;
      total += file.size;
      return {
        size: file.size,
        read: async (offset, length) => {
          if (signal.aborted) throw cancelled();
          const bytes = await file.read(offset, length);
          done += length;
          loaded(name, done, total);
          return bytes;
        },
      };
    },
  };
}
