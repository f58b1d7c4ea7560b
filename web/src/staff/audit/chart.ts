// The chart of a course: steps over time, in the colours of our tokens, with a line at a moment that a click moves.

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import { clockTime, hourTime } from "../../lib/time";
import type { Span } from "./asof";
import type { Columns } from "./course";

const SIDE = 40; // px on each side, for the numbers there; the slider below is as much shorter
const HEIGHT = 190;
const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

/** How each line is told from the others, also without its colour; the pattern is of strokes and spaces in px. */
export const LINES = {
  sitting: { token: "--accent", dash: [] },
  away: { token: "--bad", dash: [7, 3] },
  incidents: { token: "--warn", dash: [2, 3] },
} as const;

export interface Chart {
  /** The moment is another one. */
  moved(): void;
  /** The chart goes. */
  gone(): void;
}

/** Draws into an element, and again whenever its width or the colour scheme changes. `moment` is in ms, and so is what `pick` is given. */
export function chart(
  host: HTMLElement, drawn: Columns, { from, to }: Span, zone: string, moment: () => number | null, pick: (moment: number) => void,
): Chart {
  const ink = (token: string) => () => {
    host.style.color = `var(${token})`; // a canvas knows no variables: the browser resolves them for an element
    return getComputedStyle(host).color;
  };
  const line = (name: keyof typeof LINES, scale: string): uPlot.Series => ({
    scale, stroke: ink(LINES[name].token), dash: [...LINES[name].dash], width: 2, points: { show: false }, paths: uPlot.paths.stepped!({ align: 1 }),
  });
  const axis = (more: uPlot.Axis): uPlot.Axis => ({
    stroke: ink("--quiet"), font: `12px ${getComputedStyle(host).fontFamily}`, ticks: { show: false }, grid: { stroke: ink("--line"), width: 1 }, ...more,
  });
  const times = (_: uPlot, splits: number[], __: number, ___: number, every: number) =>
    splits.map((at) => (every < 60 ? clockTime : hourTime)(at * 1000, zone));
  const count = (_: uPlot, __: number, most: number): [number, number] => [0, 1.05 * Math.max(1, most)];

  const plot = new uPlot(
    {
      width: host.clientWidth, height: HEIGHT, padding: [10, 0, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
      scales: { x: { range: [from / 1000, to / 1000] }, y: { range: count }, incidents: { range: count } },
      series: [{}, line("sitting", "y"), line("away", "y"), line("incidents", "incidents")],
      axes: [
        axis({ values: times, space: 70, size: 28 }),
        axis({ scale: "y", incrs: WHOLE, size: SIDE }),
        axis({ scale: "incidents", side: 1, incrs: WHOLE, size: SIDE, grid: { show: false } }),
      ],
      hooks: { draw: [(drawing) => stroke(drawing, moment(), ink("--ink")())] },
    },
    drawn,
    host,
  );
  plot.over.addEventListener("click", (event) => pick(plot.posToVal(event.offsetX, "x") * 1000));

  const width = new ResizeObserver(() => plot.setSize({ width: host.clientWidth, height: HEIGHT }));
  width.observe(host);
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  const redraw = () => plot.redraw(false);
  scheme.addEventListener("change", redraw);
  return {
    moved: redraw,
    gone() {
      width.disconnect();
      scheme.removeEventListener("change", redraw);
      plot.destroy();
    },
  };
}

/** A line from top to bottom at a moment. */
function stroke(plot: uPlot, moment: number | null, colour: string) {
  if (moment === null) return;
  const { ctx, bbox } = plot;
  const x = Math.round(plot.valToPos(moment / 1000, "x", true));
  if (x < bbox.left || x > bbox.left + bbox.width) return;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.lineWidth = 2 * devicePixelRatio;
  ctx.setLineDash([]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.restore();
}
