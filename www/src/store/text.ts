/**
 * A text that the visitor drops, opens or pastes. It is checked before anything happens to the run: a bad file costs
 * nothing but a sentence. It stays in this page; nothing sends it anywhere.
 */

export interface TextData {
  name: string;
  bytes: Uint8Array;
  characters: number;
  distinct: number;
  preview: string;
}

export type TextFault = "text_empty" | "text_binary" | "text_invalid_utf8" | "text_too_large";

export class TextError extends Error {
  constructor(
    readonly code: TextFault,
    message: string,
  ) {
    super(message);
  }
}

/** Largest text the page takes, in bytes. */
export const MAX_TEXT_BYTES = 64 * 1024 * 1024;
const PREVIEW_CHARACTERS = 400;

/** Place of the first byte that is not part of valid UTF-8, found by halving. */
function firstInvalid(bytes: Uint8Array): number {
  const valid = (length: number): boolean => {
    try {
      // `stream` lets a sequence be cut at the end without counting as an error.
      new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, length), { stream: true });
      return true;
    } catch {
      return false;
    }
  };
  let good = 0;
  let bad = bytes.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (valid(middle)) good = middle;
    else bad = middle;
  }
  return good;
}

export function readText(name: string, bytes: Uint8Array): TextData {
  if (bytes.length === 0) throw new TextError("text_empty", `"${name}" is empty. Choose a text with some sentences in it.`);
  if (bytes.length > MAX_TEXT_BYTES) {
    const size = Math.ceil(bytes.length / 2 ** 20);
    throw new TextError("text_too_large", `"${name}" has ${size} MiB; this page takes at most ${MAX_TEXT_BYTES / 2 ** 20} MiB.`);
  }
  const zero = bytes.indexOf(0);
  if (zero >= 0) throw new TextError("text_binary", `"${name}" is not a text: byte ${zero} is zero. Choose a plain .txt file.`);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new TextError("text_invalid_utf8", `"${name}" is not valid UTF-8 at byte ${firstInvalid(bytes)}. Save it as UTF-8 and try again.`);
  }
  if (text.trim() === "") throw new TextError("text_empty", `"${name}" holds only white space. Choose a text with some sentences in it.`);
  const distinct = new Set(text);
  let characters = 0;
  for (const character of text) characters += character === "" ? 0 : 1;
  return { name, bytes, characters, distinct: distinct.size, preview: text.slice(0, PREVIEW_CHARACTERS) };
}
