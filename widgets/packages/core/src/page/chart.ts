/** Charts over the events of a history, with a cursor. Drawn once; a step moves only the cursor and a clip. */

import { FRAME, rangeOf, type Range, type Series } from '../series';
import { formatNumber } from '../text';
import { element, shape, write } from './elements';

export interface Layer {
  /** Appended to "nasedu-chart-" as the path's class. */
  kind: string;
  path: string;
}

export interface Chart {
  element: HTMLElement;
  /** Draws anew, after the history has grown. */
  draw(layers: readonly Layer[], range: Range): void;
  /** Moves the cursor to a part of the width between 0 and 1. */
  point(part: number, description: string): void;
}

export function makeChart(title: string, legend: readonly { kind: string; name: string }[]): Chart {
  const svg = shape('svg', { viewBox: `0 0 ${FRAME.width} ${FRAME.height}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' });
  const cursor = element('div', 'nasedu-cursor');
  const plot = element('div', 'nasedu-plot', svg, cursor);
  const high = element('span', 'nasedu-high');
  const low = element('span', 'nasedu-low');
  const frame = element('div', 'nasedu-chart', element('div', 'nasedu-axis', high, low), plot);
  frame.setAttribute('role', 'img');
  const keys = new Map(legend.map(({ kind, name }) => [kind, element('span', `nasedu-key nasedu-key-${kind}`, name)]));
  const head = element('div', 'nasedu-chart-head', element('span', 'nasedu-chart-title', title), ...keys.values());
  return {
    element: element('div', 'nasedu-chart-box', head, frame),
    draw(layers, range) {
      svg.style.setProperty('--n-dot', `${dotSize(layers)}px`);
      svg.replaceChildren(...layers.map(({ kind, path }) => shape('path', { d: path, class: `nasedu-chart-${kind}` })));
      for (const { kind, path } of layers) keys.get(kind)!.hidden = path === '';
      write(high, formatNumber(range.high));
      write(low, formatNumber(range.low));
    },
    point(part, description) {
      const percent = Math.round(part * 10000) / 100;
      cursor.style.left = `${percent}%`;
      svg.style.clipPath = `inset(-6px calc(${100 - percent}% - 3px) -6px -6px)`;
      frame.setAttribute('aria-label', `${title}: ${description}`);
    },
  };
}

/** Many dots are small dots. */
function dotSize(layers: readonly Layer[]): number {
  const dots = layers.reduce((most, { path }) => Math.max(most, path.split('h0').length), 0);
  return dots > 1000 ? 2.5 : dots > 300 ? 3.5 : 5;
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
