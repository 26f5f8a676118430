/** Charts over the events of a history, with a cursor. Drawn once; a step moves only the cursor and a clip. */

import { FRAME, rangeOf, valueTicks, type Across, type Range, type Series, type Tick } from '../series';
import { element, shape, write } from './elements';

export interface Layer {
  /** Appended to "nasedu-chart-" as the path's class. */
  kind: string;
  path: string;
}

export interface Chart {
  element: HTMLElement;
  /** Draws anew, after the history has grown. */
  draw(layers: readonly Layer[], range: Range, across: Across): void;
  /** Moves the cursor to a part of the width between 0 and 1, and the mark of the moment to a point of the frame. */
  point(part: number, description: string, now?: Now | null): void;
}

export interface Now {
  place: readonly [number, number];
  isFailed: boolean;
}

export interface Frame {
  element: HTMLElement;
  /** Where to draw: as wide and as high as the frame, but for a margin left and right. */
  area: HTMLElement;
  /** Under the frame. */
  below: HTMLElement;
  scale(range: Range, name: string): void;
  across(axis: Across): void;
}

/** A frame with its axes: values upwards, and something across. */
export function makeFrame(): Frame {
  const title = element('div', 'nasedu-up-name');
  const values = element('div', 'nasedu-axis');
  const grid = element('div', 'nasedu-grid');
  const area = element('div', 'nasedu-area');
  const name = element('div', 'nasedu-across-name');
  const below = element('div', 'nasedu-across');
  const frame = element('div', 'nasedu-chart', title, values, element('div', 'nasedu-plot', grid, area), name, below);
  frame.setAttribute('role', 'img');
  return {
    element: frame,
    area,
    below,
    scale(range, text) {
      const ticks = valueTicks(range);
      values.style.minWidth = `${Math.max(5, ...ticks.map((tick) => tick.text.length))}ch`;
      values.replaceChildren(...ticks.map((tick) => drawTick(tick, 'top')));
      grid.replaceChildren(...ticks.map(({ percent }) => drawTick({ percent, text: '' }, 'top')));
      write(title, text);
    },
    across(axis) {
      write(name, axis.name);
      below.replaceChildren(...axis.ticks.map((tick) => drawTick(tick, 'left')));
    },
  };
}

function drawTick({ percent, text }: Tick, side: 'left' | 'top'): HTMLElement {
  const tick = element('span', '', text);
  tick.style[side] = `${percent}%`;
  return tick;
}

export function makeChart(title: string, legend: readonly { kind: string; name: string }[], valueName: () => string = () => ''): Chart {
  const svg = shape('svg', { viewBox: `0 0 ${FRAME.width} ${FRAME.height}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' });
  const cursor = element('div', 'nasedu-cursor');
  const mark = element('span', 'nasedu-now');
  const frame = makeFrame();
  frame.area.append(svg, cursor, mark);
  const keys = new Map(legend.map(({ kind, name }) => [kind, element('span', `nasedu-key nasedu-key-${kind}`, name)]));
  const head = element('div', 'nasedu-chart-head', element('span', 'nasedu-chart-title', title), ...keys.values());
  return {
    element: element('div', 'nasedu-chart-box', head, frame.element),
    draw(layers, range, across) {
      svg.style.setProperty('--n-dot', `${dotSize(layers)}px`);
      svg.replaceChildren(...layers.map(({ kind, path }) => shape('path', { d: path, class: `nasedu-chart-${kind}` })));
      for (const { kind, path } of layers) keys.get(kind)!.hidden = path === '';
      frame.scale(range, valueName());
      frame.across(across);
    },
    point(part, description, now = null) {
      const percent = Math.round(part * 10000) / 100;
      cursor.style.left = `${percent}%`;
      svg.style.clipPath = `inset(-6px calc(${100 - percent}% - 1px) -6px -6px)`;
      mark.hidden = now === null;
      if (now) {
        mark.style.left = `${(100 * now.place[0]) / FRAME.width}%`;
        mark.style.top = `${(100 * now.place[1]) / FRAME.height}%`;
        mark.classList.toggle('nasedu-now-failed', now.isFailed);
      }
      frame.element.setAttribute('aria-label', `${title}: ${description}`);
    },
  };
}

/** Many dots are small dots. */
function dotSize(layers: readonly Layer[]): number {
  const dots = layers.reduce((most, { path }) => Math.max(most, path.split('h0').length), 0);
  return dots > 1000 ? 3 : dots > 300 ? 4.5 : 7;
}

/** A chart with a line for each series, all on one scale. */
export function lineLayers(
  series: readonly Series[],
  length: number,
  path: (points: Series['points'], length: number, range: Range) => string,
): { layers: Layer[]; range: Range } {
  const range = rangeOf(series);
  const layers = series.map(({ points }, index) => ({ kind: `line${index}`, path: path(points, length, range) }));
  return { layers, range };
}
