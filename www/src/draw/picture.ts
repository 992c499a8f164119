/** A map's pixels as something a canvas can draw. The one place in `draw` that needs the browser. */
import type { Theme } from "./color.ts";
import type { HeadMap } from "./layout.ts";
import { mapPixels } from "./pixels.ts";
import type { ScaleName } from "./scale.ts";

export function mapPicture(map: HeadMap, scale: ScaleName, theme: Theme): OffscreenCanvas {
  const canvas = new OffscreenCanvas(map.keys, map.queries);
  canvas.getContext("2d")?.putImageData(new ImageData(mapPixels(map, scale, theme), map.keys, map.queries), 0, 0);
  return canvas;
}

/** Sizes a canvas in CSS pixels for the screen's own pixels, and returns its context scaled accordingly. */
export function prepare(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | null {
  const ratio = Math.max(1, window.devicePixelRatio);
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d");
  context?.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}
