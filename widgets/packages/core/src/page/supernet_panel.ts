/** DARTS: the weights of the operations on each edge as a table of shades and as a graph, and the losses. */

import type { Diagram } from '../documents';
import { layOut, type Picture } from '../geometry';
import { operationStyle } from '../palette';
import { cellWeights, largest, type CellWeights } from '../probabilities';
import type { Timeline } from '../timeline';
import { drawPicture, paintEdge, writeLabel } from './drawing';
import { element, htmlLabel, scroller, shape, write } from './elements';
import type { Panel } from './panel';
import { stateChart } from './table_panel';

interface CellView {
  map: HTMLElement;
  graph: HTMLElement | null;
  show(weights: CellWeights): void;
}

export function supernetPanel(timeline: Timeline): Panel {
  const maps = element('div', 'nasedu-heatmaps');
  const graphs = element('div', 'nasedu-graphs');
  const losses = stateChart(timeline, 'Loss', ['train_loss', 'validation_loss']);
  const accuracies = stateChart(timeline, 'Accuracy', ['train_accuracy', 'validation_accuracy']);
  const entropy = stateChart(timeline, 'Entropy of the weights', ['entropy']);
  const charts = [losses, accuracies, entropy];
  const views = new Map<string, CellView>();
  return {
    element: element(
      'section',
      'nasedu-panel nasedu-supernet',
      element('h4', '', 'Supernet: the weight of each operation, softmax of alpha'),
      element('div', 'nasedu-charts', ...charts.map((chart) => chart.element)),
      maps,
      graphs,
    ),
    grow: () => charts.forEach((chart) => chart.grow()),
    show(position, { proposal }) {
      for (const weights of cellWeights(proposal.alphas)) {
        const view = views.get(weights.name) ?? makeCell(timeline, weights);
        if (!views.has(weights.name)) {
          views.set(weights.name, view);
          maps.append(view.map);
          if (view.graph) graphs.append(view.graph);
        }
        view.show(weights);
      }
      charts.forEach((chart) => chart.point(position));
    },
  };
}

function makeCell(timeline: Timeline, weights: CellWeights): CellView {
  const { supernet } = timeline.header;
  const operations = supernet?.operations ?? (weights.rows[0] ?? []).map((_, index) => `operation ${index}`);
  const diagram = supernet?.cells.find(({ name }) => name === weights.name)?.diagram ?? null;
  const map = heatMap(weights, operations, diagram);
  const graph = diagram ? weightedGraph(diagram, weights.name, operations) : null;
  const cell = weights.name.includes('cell') ? weights.name : `${weights.name} cell`;
  const titled = (title: string, content: Node): HTMLElement => element('div', '', element('h5', '', title), scroller('', title, content));
  return {
    map: titled(`${cell}: weights`, map.element),
    graph: graph && titled(`${cell}: the strongest operation on each edge`, graph.svg),
    show(now) {
      map.show(now);
      graph?.show(now);
    },
  };
}

function rowNames(diagram: Diagram | null, count: number): string[] {
  const labels = new Map(diagram?.nodes.map((node) => [node.id, node.label]));
  return Array.from({ length: count }, (_, index) => {
    const edge = diagram?.edges[index];
    return edge ? `${labels.get(edge.source)}→${labels.get(edge.target)}` : `edge ${index}`;
  });
}

/** A table whose cells are shaded by weight: rows are edges, columns operations. */
function heatMap(weights: CellWeights, operations: readonly string[], diagram: Diagram | null): { element: HTMLElement; show: CellView['show'] } {
  const head = element('tr', '', element('td'));
  for (const operation of operations) {
    const cell = element('th', '', element('span', '', operation));
    cell.scope = 'col';
    head.append(cell);
  }
  const body = element('tbody');
  const cells = rowNames(diagram, weights.rows.length).map((name) => {
    const title = element('th', '', ...htmlLabel(name));
    title.scope = 'row';
    const row = operations.map((operation) => shadedCell(operation));
    body.append(element('tr', '', title, ...row));
    return row;
  });
  const show = (now: CellWeights): void =>
    cells.forEach((row, index) => {
      const values = now.rows[index] ?? [];
      const best = largest(values);
      row.forEach((cell, column) => {
        const weight = values[column] ?? 0;
        cell.style.setProperty('--n-weight', `${Math.round(weight * 58)}%`);
        cell.classList.toggle('nasedu-strongest', column === best);
        write(cell, weight.toFixed(2).replace(/^0/, ''));
      });
    });
  return { element: element('table', 'nasedu-heatmap', element('thead', '', head), body), show };
}

function shadedCell(operation: string): HTMLTableCellElement {
  const cell = element('td');
  const style = operationStyle(operation);
  cell.style.setProperty('--n-op', style.color);
  cell.style.setProperty('--n-op-dark', style.dark);
  return cell;
}

/** The cell's graph: each edge in the colour of its strongest operation, as wide as its weight. */
function weightedGraph(diagram: Diagram, name: string, operations: readonly string[]): { svg: SVGSVGElement; show: CellView['show'] } {
  const svg = shape('svg');
  const longest = operations.reduce((long, operation) => (operation.length > long.length ? operation : long), '');
  const named = { nodes: diagram.nodes, edges: diagram.edges.map((edge) => ({ ...edge, operation: edge.operation || ' ' })) };
  let picture: Picture | null = null;
  const draw = (rows: number): void => {
    const edges = named.edges.map((edge, index) => (index < rows ? edge : { ...edge, operation: '' }));
    picture = layOut({ nodes: named.nodes, edges }, { longest });
    drawPicture(svg, picture, `The cell ${name} with its strongest operations`);
  };
  const show = (now: CellWeights): void => {
    if (picture === null) draw(now.rows.length);
    now.rows.forEach((row, index) => {
      const group = svg.querySelector<SVGGElement>(`[data-edge="${index}"]`);
      const label = svg.querySelector(`[data-label="${index}"]`);
      const operation = operations[largest(row)] ?? '';
      const weight = row[largest(row)] ?? 0;
      if (!group || !label) return;
      paintEdge(group, operation, Math.round((1.2 + 5 * weight) * 20) / 20);
      group.style.opacity = String(Math.round((0.55 + 0.45 * weight) * 100) / 100);
      group.setAttribute('data-operation', operation);
      writeLabel(label, operation);
    });
  };
  return { svg, show };
}
