/**
 * What the page shows before any script has run: a heading, a sentence and a picture, written into `index.html` at build
 * time. The picture is a drawing of what a trained head looks like on a reversed word, and says so.
 */
import type { Plugin } from "vite";

const TOKENS = [..."hello|olleh"];
const CELL = 22;
const LEFT = 48;
const TOP = 28;

/** Weight that the drawn head gives to a key: nearly all to the letter that is written next. */
function weight(query: number, key: number): number {
  const wanted = TOKENS.length - 2 - query;
  const bar = TOKENS.indexOf("|");
  if (query < bar || wanted < 0) return 1 / (query + 1);
  const others = 0.16 / query;
  return key === wanted ? 0.84 : others;
}

/** The way back from the last forbidden cell to the first, along the diagonal. */
function staircase(): string {
  let path = "";
  for (let i = TOKENS.length - 1; i > 0; i -= 1) path += `H${LEFT + i * CELL}V${TOP + (i - 1) * CELL}`;
  return path;
}

export function drawing(): string {
  const size = TOKENS.length * CELL;
  const parts: string[] = [
    '<pattern id="future" width="6" height="6" patternUnits="userSpaceOnUse"><path class="hatch" d="M0 6L6 0"/></pattern>',
    `<path class="future" fill="url(#future)" d="M${LEFT + CELL} ${TOP}H${LEFT + size}V${TOP + size - CELL}${staircase()}Z"/>`,
  ];
  TOKENS.forEach((token, i) => {
    const middle = (i + 0.5) * CELL;
    parts.push(`<text x="${LEFT - 8}" y="${TOP + middle + 4}" text-anchor="end">${token}</text>`);
    parts.push(`<text x="${LEFT + middle}" y="${TOP - 9}" text-anchor="middle">${token}</text>`);
    for (let key = 0; key <= i; key += 1) {
      const opacity = Math.sqrt(weight(i, key)).toFixed(2);
      parts.push(`<rect x="${LEFT + key * CELL}" y="${TOP + i * CELL}" width="${CELL - 1}" height="${CELL - 1}" fill-opacity="${opacity}"/>`);
    }
  });
  const title = "Attention of a head that writes the word hello backwards: each new letter attends to the letter it copies.";
  return `<svg class="shell-map" viewBox="0 0 ${LEFT + size} ${TOP + size}" role="img" aria-label="${title}">${parts.join("")}</svg>`;
}

/**
 * The policy of the page. Nothing but own files: no inline script, no inline style, no script of another origin. Data may
 * come over https: because a visitor may load a model from any host by its address; nothing else asks for any. The port
 * on 127.0.0.1 is for models that a visitor serves on this computer.
 */
export const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "connect-src 'self' https: http://127.0.0.1:*",
  "img-src 'self' blob: data:",
  "style-src 'self'",
  "font-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "object-src 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types app-worker svelte-trusted-html",
].join("; ");

/** Fills the placeholders of `index.html`. The development server injects scripts of its own, so that it gets no policy. */
export function shell(policy: boolean): Plugin {
  return {
    name: "trainyard-shell",
    transformIndexHtml(html) {
      const meta = policy ? `<meta http-equiv="Content-Security-Policy" content="${POLICY}">` : "";
      return html.replace("<!--policy-->", meta).replace("<!--drawing-->", drawing());
    },
  };
}
