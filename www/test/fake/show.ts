/** What the stand-in's objectives make of a text: one rule for each of the three modes. */
import type { Architecture, Change, Shown } from "../../src/engine/surface.ts";

const at = (position: number) => ({ start: position, end: position + 1 });

/** Words where an encoder reads, letters where a decoder stands by itself; by default the second token is hidden. */
export function showText(architecture: Architecture, objective: string, source: string, hidden: number[] = [1]): Shown {
  if (architecture === "decoder-only") {
    const text = [...source];
    // A task's last letter has nothing after it; what follows is anybody's guess.
    return { objective, text, input: text, target: text.slice(1), changed: [] };
  }
  const text = source.split(" ").filter((word) => word !== "");
  const gone = hidden.filter((position) => position < text.length);
  if (architecture === "encoder-only") {
    const changed = gone.map((position): Change => ({ role: "masked", text: at(position), input: at(position + 1), target: at(position + 1) }));
    const input = text.map((word, i) => (gone.includes(i) ? "[MASK]" : word));
    return { objective, text, input: ["[CLS]", ...input, "[SEP]"], target: ["[CLS]", ...text, "[SEP]"], changed };
  }
  const [input, target, changed]: [string[], string[], Change[]] = [[], [], []];
  text.forEach((word, i) => {
    if (!gone.includes(i)) {
      input.push(word);
      return;
    }
    const last = changed.at(-1);
    if (last?.text.end === i) {
      last.text.end += 1;
      last.target.end += 1;
    } else {
      const span = changed.length;
      target.push(`<extra_id_${span}>`);
      changed.push({ role: { span }, text: at(i), input: at(input.length), target: at(target.length) });
      input.push(`<extra_id_${span}>`);
    }
    target.push(word);
  });
  return { objective, text, input: [...input, "</s>"], target: [...target, "</s>"], changed };
}
