/**
 * The color scales of the maps. Zero recedes into the page in both themes, lightness is monotone, and the ends differ by
 * more than 12 to 1: white to navy on light, cividis on dark.
 */

export type Theme = "light" | "dark";
export type Rgb = readonly [number, number, number];

const STOPS: Record<Theme, readonly string[]> = {
  light: ["f7fbff", "deebf7", "c6dbef", "9ecae1", "6baed6", "4292c6", "2171b5", "08519c", "08306b"],
  dark: ["00224e", "123570", "3b496c", "575d6d", "707173", "8a8678", "a59c74", "c3b369", "e1cc55", "fee838"],
};

const LEVELS = 256;

function rgb(hex: string): Rgb {
  const value = Number.parseInt(hex, 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** The color at a place in 0..1, between the two nearest stops. */
export function colorAt(theme: Theme, at: number): Rgb {
  const stops = STOPS[theme];
  const position = Math.min(1, Math.max(0, at)) * (stops.length - 1);
  const low = Math.min(stops.length - 2, Math.floor(position));
  const [a, b] = [rgb(stops[low] ?? "000000"), rgb(stops[low + 1] ?? "000000")];
  const mix = (i: 0 | 1 | 2): number => Math.round(a[i] + (b[i] - a[i]) * (position - low));
  return [mix(0), mix(1), mix(2)];
}

const tables = new Map<Theme, readonly Rgb[]>();

/** All levels of a scale, computed once. */
export function table(theme: Theme): readonly Rgb[] {
  let made = tables.get(theme);
  if (made === undefined) {
    made = Array.from({ length: LEVELS }, (_, level) => colorAt(theme, level / (LEVELS - 1)));
    tables.set(theme, made);
  }
  return made;
}

/** The level of a table for a place in 0..1. */
export const level = (at: number): number => Math.round(Math.min(1, Math.max(0, at)) * (LEVELS - 1));

/** WCAG relative luminance, for contrast checks and for choosing a text color on top. */
export function luminance([r, g, b]: Rgb): number {
  const linear = (channel: number): number => {
    const c = channel / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
}

export function contrast(a: Rgb, b: Rgb): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
}
