/** The panel for a state that no other panel knows: keys and values, and lines for what is a number. */

import { eventTicks, linePath, stateSeries } from '../series';
import { formatValue } from '../text';
import type { Timeline } from '../timeline';
import { lineLayers, makeChart } from './chart';
import { element } from './elements';
import type { Panel } from './panel';

/** A table of names and values. */
export function drawTable(table: HTMLTableElement, rows: readonly [string, unknown][]): void {
  const body = element('tbody');
  for (const [name, value] of rows) {
    const head = element('th', '', name.replaceAll('_', ' '));
    head.scope = 'row';
    body.append(element('tr', '', head, element('td', '', formatValue(value))));
  }
  table.replaceChildren(body);
  table.hidden = rows.length === 0;
}

export function tablePanel(): Panel {
  const table = element('table', 'nasedu-table');
  return {
    element: element('section', 'nasedu-panel nasedu-state', element('h4', '', 'State of the strategy'), table),
    show: (_position, { proposal, answer }) => drawTable(table, Object.entries({ ...proposal, ...answer })),
    grow: () => undefined,
  };
}

/** A chart of numbers in the states, which redraws when the history grows; null if none of them ever occurs. */
export function stateChart(timeline: Timeline, title: string, names: readonly string[]): Omit<Panel, 'show'> & { point(position: number): void } {
  const ending = new RegExp(` ${title}$`, 'i'); // "train loss" in a chart titled "Loss" is "train": a legend of one line
  const legend = names.map((name, index) => ({ kind: `line${index}`, name: name.replaceAll('_', ' ').replace(ending, '') }));
  const chart = makeChart(title, legend);
  const grow = (): void => {
    const series = stateSeries(timeline, names);
    const inOrder = names.map((name) => series.find((one) => one.name === name) ?? { name, points: [] });
    const { layers, range } = lineLayers(inOrder, timeline.length, linePath);
    chart.element.hidden = series.length === 0;
    chart.draw(layers, range, eventTicks(timeline));
  };
  grow();
  return {
    element: chart.element,
    grow,
    point: (position) => chart.point(timeline.length ? position / timeline.length : 0, `up to event ${position}`),
  };
}
