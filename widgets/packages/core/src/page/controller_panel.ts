/** A controller unrolled: one column of bars per decision, and how its reward and baseline went. */

import { operationStyle } from '../palette';
import { controllerColumns, type Column, type Option } from '../probabilities';
import type { Timeline } from '../timeline';
import { element, scroller, write } from './elements';
import type { Panel } from './panel';
import { drawTable, stateChart } from './table_panel';

/** As many columns go into further lines where there is no room; more of them scroll sideways. */
const MOST_WRAPPED = 8;
const NUMBERS = ['reward', 'baseline', 'advantage', 'entropy', 'log_probability', 'loss'];

export function controllerPanel(timeline: Timeline): Panel {
  const unrolled = element('ol', 'nasedu-columns');
  const table = element('table', 'nasedu-table nasedu-inline');
  const chart = stateChart(timeline, 'Reward', ['reward', 'baseline']);
  const bars: Bar[] = [];
  return {
    element: element(
      'section',
      'nasedu-panel nasedu-controller',
      element('h4', '', 'The probability of each option, decision by decision'),
      scroller('nasedu-unrolled', 'Decisions', unrolled),
      table,
      chart.element,
    ),
    grow: chart.grow,
    show(position, snapshot) {
      drawColumns(unrolled, bars, controllerColumns(timeline.header.space, snapshot.proposal.probabilities, snapshot.proposal.chosen));
      const state = { ...snapshot.proposal, ...snapshot.answer };
      drawTable(table, NUMBERS.flatMap((name): [string, unknown][] => (name in state ? [[name, state[name]]] : [])));
      chart.point(position);
    },
  };
}

interface Bar {
  key: string;
  item: HTMLElement;
  update(option: Option): void;
}

/** Rebuilds the columns when other decisions are active; otherwise only moves the bars. */
function drawColumns(host: HTMLElement, bars: Bar[], columns: readonly Column[]): void {
  const options = columns.flatMap((column, index) => (column.options ?? []).map((option) => ({ option, key: `${index} ${option.label}` })));
  const isSame = bars.length === options.length && options.every(({ key }, index) => bars[index]!.key === key);
  if (!isSame || host.childElementCount !== columns.length) {
    bars.length = 0;
    host.classList.toggle('nasedu-few', columns.length <= MOST_WRAPPED);
    host.replaceChildren(...columns.map((column, index) => drawColumn(column, index, bars)));
  }
  options.forEach(({ option }, index) => bars[index]!.update(option));
}

function drawColumn(column: Column, index: number, bars: Bar[]): HTMLElement {
  const item = element('li', 'nasedu-column', element('span', 'nasedu-column-title', column.title));
  if (column.options === null) {
    item.classList.add('nasedu-inactive');
    item.append(element('span', 'nasedu-note', 'not active'));
    return item;
  }
  for (const option of column.options) {
    const bar = makeBar(option, `${index} ${option.label}`);
    bars.push(bar);
    item.append(bar.item);
  }
  return item;
}

function makeBar(option: Option, key: string): Bar {
  const fill = element('span', 'nasedu-fill');
  const style = operationStyle(option.label);
  fill.style.setProperty('--n-op', style.color);
  fill.style.setProperty('--n-op-dark', style.dark);
  const value = element('span', 'nasedu-value');
  const item = element('div', 'nasedu-bar', fill, element('span', 'nasedu-bar-label', option.label), value);
  return {
    key,
    item,
    update({ probability, isChosen }) {
      fill.style.width = `${Math.round(probability * 1000) / 10}%`;
      write(value, probability.toFixed(2).replace(/^0/, ''));
      item.classList.toggle('nasedu-chosen', isChosen);
      if (isChosen) item.setAttribute('aria-current', 'true');
      else item.removeAttribute('aria-current');
    },
  };
}
