/** Draws a picture that geometry.ts has worked out. */

import type { DiagramEdge } from '../documents';
import { LABEL_HEIGHT, LABEL_TEXT, NODE_TEXT, type EdgeShape, type NodeShape, type Picture } from '../geometry';
import { dashes, operationStyle } from '../palette';
import { clean, plainLabel, textWidth } from '../text';
import { setAttributes, shape, svgLabel, svgText, write } from './elements';

export interface Marks {
  /** What was changed. */
  edges: ReadonlySet<number>;
  nodes: ReadonlySet<string>;
  /** Edges and nodes that are left in the background. */
  faded?: ReadonlySet<number>;
  fadedNodes?: ReadonlySet<string>;
}

const NO_MARKS: Marks = { edges: new Set(), nodes: new Set() };
const KINDS = new Set(['input', 'node', 'operation', 'output']);
const LINE = 2.4;

/** Fills an svg element with the picture and gives it the picture's size. */
export function drawPicture(svg: SVGSVGElement, picture: Picture, description: string, marks: Marks = NO_MARKS): void {
  const { left, top, width, height } = picture;
  setAttributes(svg, { viewBox: `${left} ${top} ${width} ${height}`, role: 'img', 'aria-label': clean(description) });
  // The style sheet says how far it grows or shrinks with its place, so that the text stays legible; then its place scrolls.
  svg.style.setProperty('--n-natural', `${width}px`);
  svg.classList.add('nasedu-picture');
  svg.replaceChildren(
    shape('g', { class: 'nasedu-edges' }, ...picture.edges.map((edge) => drawEdge(edge, marks))),
    shape('g', { class: 'nasedu-nodes' }, ...picture.nodes.map((node) => drawNode(node, marks))),
    shape('g', { class: 'nasedu-labels' }, ...picture.edges.flatMap((edge) => drawLabel(edge, marks.edges.has(edge.index)))),
    ...picture.titles.map(({ text, x, y }) => svgText(text, { class: 'nasedu-title', x, y })),
  );
}

export function describe(picture: Picture, name: string): string {
  const parts = picture.edges.map(({ edge }) => edgeName(edge, picture));
  return `${name}. ${parts.slice(0, 60).join(', ')}`;
}

export function edgeName(edge: DiagramEdge, picture: Picture): string {
  const labelOf = (id: string): string => plainLabel(picture.nodes.find((shape) => shape.node.id === id)?.node.label ?? id);
  return `${labelOf(edge.source)} to ${labelOf(edge.target)}${edge.operation ? `: ${edge.operation}` : ''}`;
}

function drawEdge({ edge, index, path, arrow }: EdgeShape, marks: Marks): SVGGElement {
  const line = shape('path', { d: path, class: 'nasedu-line' });
  const head = shape('polygon', { points: arrow, class: 'nasedu-arrow' });
  const halo = shape('path', { d: path, class: 'nasedu-halo' });
  const group = shape('g', { class: 'nasedu-edge', 'data-edge': index, 'data-operation': clean(edge.operation) }, halo, line, head);
  if (edge.decision !== null) group.setAttribute('data-decision', String(edge.decision));
  if (marks.edges.has(index)) group.classList.add('nasedu-changed');
  if (marks.faded?.has(index)) group.classList.add('nasedu-faded');
  if (edge.operation === '') group.classList.add('nasedu-wire');
  else paintEdge(group, edge.operation, LINE);
  return group;
}

/** Gives an edge the colour and dashes of an operation, at a line width. */
export function paintEdge(group: SVGGElement, operation: string, width: number): void {
  const style = operationStyle(operation);
  group.style.setProperty('--n-op', style.color);
  group.style.setProperty('--n-op-dark', style.dark);
  group.style.setProperty('--n-width', `${width}px`);
  group.style.setProperty('--n-dash', dashes(style, width) || 'none');
}

function drawNode({ node, x, y, width, height, round }: NodeShape, marks: Marks): SVGGElement {
  const kind = KINDS.has(node.kind) ? node.kind : 'node';
  const outline = { x: x - width / 2, y: y - height / 2, width, height, rx: round ? height / 2 : kind === 'operation' ? 5 : 15 };
  const box = shape('rect', { ...outline, class: 'nasedu-box' });
  const label = width > 20 ? [svgLabel(node.label, { x, y, 'font-size': NODE_TEXT })] : [];
  const group = shape('g', { class: `nasedu-node nasedu-${kind}`, 'data-node': clean(node.id) }, box, ...label);
  if (kind === 'operation') {
    const style = operationStyle(node.label);
    group.style.setProperty('--n-op', style.color);
    group.style.setProperty('--n-op-dark', style.dark);
  }
  if (node.decision !== null) group.setAttribute('data-decision', String(node.decision));
  if (marks.nodes.has(node.id)) group.classList.add('nasedu-changed');
  if (marks.fadedNodes?.has(node.id)) group.classList.add('nasedu-faded');
  return group;
}

function drawLabel({ edge, index, label }: EdgeShape, isMarked: boolean): SVGGElement[] {
  if (label === null) return [];
  const group = shape(
    'g',
    { class: 'nasedu-label', 'data-label': index, transform: `translate(${label.x} ${label.y})` },
    shape('rect', { y: -LABEL_HEIGHT / 2 + 1, height: LABEL_HEIGHT - 2 }),
    svgText('', { 'font-size': LABEL_TEXT }),
  );
  if (edge.decision !== null) group.setAttribute('data-decision', String(edge.decision));
  if (isMarked) group.classList.add('nasedu-changed');
  writeLabel(group, edge.operation);
  return [group];
}

/** Writes the operation on an edge, with a background as wide as the text. */
export function writeLabel(group: Element, operation: string): void {
  const bold = group.classList.contains('nasedu-changed') ? 1.12 : 1;
  const width = bold * textWidth(operation, LABEL_TEXT) + 6;
  setAttributes(group.children[0]!, { x: -width / 2, width });
  write(group.children[1]!, operation);
}
