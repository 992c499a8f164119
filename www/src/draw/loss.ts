/** The loss chart's lines and what is painted over them: the random guess, marks at events, labels at the lines' ends. */
import type uPlot from "uplot";
import type { Mark } from "../store/history.ts";

export interface ChartInks {
  train: string;
  validation: string;
  text: string;
  muted: string;
  line: string;
  card: string;
  error: string;
  font: string;
}

export interface Overlay {
  guess: number;
  marks: readonly Mark[];
}

/** Line, text and a ground under the text, in the chart's own pixels. */
function flag(chart: uPlot, inks: ChartInks, text: string, x: number, y: number, align: CanvasTextAlign, color: string): void {
  const context = chart.ctx;
  const ratio = window.devicePixelRatio;
  // A label stays inside the plot, whatever line it belongs to.
  y = Math.min(chart.bbox.top + chart.bbox.height - 2 * ratio, Math.max(chart.bbox.top + 15 * ratio, y));
  context.font = `${11.5 * ratio}px ${inks.font}`;
  context.textAlign = align;
  context.textBaseline = "bottom";
  const width = context.measureText(text).width;
  context.globalAlpha = 0.85;
  context.fillStyle = inks.card;
  context.fillRect(align === "right" ? x - width - 3 : x - 3, y - 14 * ratio, width + 6, 14 * ratio);
  context.globalAlpha = 1;
  context.fillStyle = color;
  context.fillText(text, x, y);
}

export function paintOverlay(chart: uPlot, overlay: Overlay, inks: ChartInks): void {
  const { ctx: context, bbox } = chart;
  const ratio = window.devicePixelRatio;
  const right = bbox.left + bbox.width;
  context.save();
  context.beginPath();
  context.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  context.clip();
  const guess = Math.round(chart.valToPos(overlay.guess, "y", true));
  context.strokeStyle = inks.muted;
  context.lineWidth = ratio;
  context.setLineDash([5 * ratio, 4 * ratio]);
  context.beginPath();
  context.moveTo(bbox.left, guess);
  context.lineTo(right, guess);
  context.stroke();
  context.setLineDash([]);
  flag(chart, inks, `random guess = ln V = ${overlay.guess.toFixed(2)}`, right - 4 * ratio, guess - 2 * ratio, "right", inks.muted);
  overlay.marks.forEach((mark, i) => {
    const bad = mark.label === "diverged";
    const x = Math.round(chart.valToPos(mark.step, "x", true));
    context.strokeStyle = bad ? inks.error : inks.muted;
    context.beginPath();
    context.moveTo(x, bbox.top);
    context.lineTo(x, bbox.top + bbox.height);
    context.stroke();
    const room = x < bbox.left + bbox.width / 2;
    const y = bbox.top + bbox.height - (4 + (i % 3) * 15) * ratio;
    flag(chart, inks, bad ? `✕ step ${mark.step}` : mark.label, x + (room ? 5 : -5) * ratio, y, room ? "left" : "right", bad ? inks.error : inks.muted);
  });
  ends(chart, inks);
  context.restore();
}

/** A name at the end of each line, kept apart when the lines end together. */
function ends(chart: uPlot, inks: ChartInks): void {
  const ratio = window.devicePixelRatio;
  const right = chart.bbox.left + chart.bbox.width;
  const lines = [
    { series: 2, name: "train", color: inks.train },
    { series: 3, name: "validation", color: inks.validation },
  ].flatMap(({ series, name, color }) => {
    const values = chart.data[series] ?? [];
    for (let i = values.length - 1; i >= 0; i -= 1) {
      const value = values[i];
      const step = chart.data[0][i];
      if (typeof value !== "number" || step === undefined) continue;
      const x = Math.min(right - 4 * ratio, chart.valToPos(step, "x", true) - 4 * ratio);
      return [{ name, color, x, y: chart.valToPos(value, "y", true) }];
    }
    return [];
  });
  const [train, validation] = lines;
  if (train === undefined) return;
  const trainX = Math.max(train.x, chart.bbox.left + 40 * ratio);
  if (validation === undefined) {
    flag(chart, inks, train.name, trainX, train.y - 6 * ratio, "right", train.color);
    return;
  }
  const validationX = Math.max(validation.x, chart.bbox.left + 70 * ratio);
  const trainAbove = train.y < validation.y;
  const floor = chart.bbox.top + chart.bbox.height - 22 * ratio;
  if (Math.max(train.y, validation.y) < floor) {
    // The higher curve is named above itself, the lower one below.
    flag(chart, inks, train.name, trainX, train.y + (trainAbove ? -6 : 20) * ratio, "right", train.color);
    flag(chart, inks, validation.name, validationX, validation.y + (trainAbove ? 20 : -6) * ratio, "right", validation.color);
    return;
  }
  // No room below: both names stand above both curves, in the curves' order.
  const y = Math.min(train.y, validation.y) - 8 * ratio;
  flag(chart, inks, train.name, trainX, y - (trainAbove ? 15 : 0) * ratio, "right", train.color);
  flag(chart, inks, validation.name, trainX, y - (trainAbove ? 0 : 15) * ratio, "right", validation.color);
}
