/** Files on their way in and out of the page: the browser's dialogs, and texts checked before anything happens to a run. */
import type { Problem } from "./problems.ts";
import { readText, TextError, type TextData } from "./text.ts";

/** What a file dialog offers; every file is looked at before it is used. */
export const TEXT_TYPES = ".txt,.md,.csv,text/*";

/** Opens the browser's file dialog, as a click on the drop area does. */
export function chooseFile(take: (file: File) => void): void {
  const input = document.createElement("input");
  input.type = "file";
  input.accept = TEXT_TYPES;
  input.onchange = () => {
    const file = input.files?.[0];
    if (file !== undefined) take(file);
  };
  input.click();
}

/** A text of the visitor's, or why it is none. */
export function textOrProblem(name: string, bytes: Uint8Array): TextData | Problem {
  try {
    return readText(name, bytes);
  } catch (thrown) {
    const error = thrown instanceof TextError ? thrown : new TextError("text_binary", `"${name}" could not be read.`);
    return { code: error.code, title: "That text cannot be used", sentence: error.message, suggestion: undefined, remedies: ["dismiss"] };
  }
}

/** Hands files to the browser's download, under the names that a checkpoint folder has. */
export function download(files: readonly { name: string; bytes: Uint8Array }[]): void {
  for (const file of files) {
    const address = URL.createObjectURL(new Blob([new Uint8Array(file.bytes)]));
    const link = document.createElement("a");
    link.href = address;
    link.download = file.name;
    link.click();
    setTimeout(() => {
      URL.revokeObjectURL(address);
    }, 10_000);
  }
}
