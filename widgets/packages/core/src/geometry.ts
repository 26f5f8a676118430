/**
 * From a diagram's coordinates to shapes in pixels: boxes, trimmed curves, arrow heads, places for labels.
 *
 * The layout itself comes with the diagram; here only the unit is chosen, so that labels have room.
 */

import type { Diagram, DiagramEdge, DiagramNode } from './documents';
import { plainLabel, textWidth } from './text';

export interface Point {
  x: number;
  y: number;
}

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface NodeShape {
  node: DiagramNode;
  x: number;
  y: number;
  width: number;
  height: number;
  round: boolean;
}

export interface EdgeShape {
  edge: DiagramEdge;
  index: number;
  path: string;
  arrow: string;
  /** Where the operation's name is written; null if there is none. */
  label: (Point & { width: number }) | null;
}

export interface Picture {
  left: number;
  top: number;
  width: number;
  height: number;
  /** Pixels per unit of x. */
  unit: number;
  nodes: NodeShape[];
  edges: EdgeShape[];
  titles: (Point & { text: string })[];
}

export interface PictureOptions {
  /** Pixels per unit of y, and about as many of x; 86 unless told. */
  unit?: number;
  /** Pixels per unit of x that were needed before, so that the picture does not change its size from step to step. */
  widest?: number;
  /** The longest operation that a label must hold, where it changes later. */
  longest?: string;
  /** Small: nodes that compute nothing are dots, and edges have no labels. */
  compact?: boolean;
}

export const NODE_TEXT = 13;
export const LABEL_TEXT = 12;
export const LABEL_HEIGHT = 17;
const NODE_HEIGHT = 30;
const DOT = 16;
const ARROW = 9;
/** What is seen of an edge on each side of its label: enough to know its colour and dashes. */
const BESIDE_LABEL = 22;
const MARGIN = 6;
const TITLE_HEIGHT = 26;

interface Curve {
  start: Point;
  control: Point;
  end: Point;
}

export function layOut(diagram: Diagram, options: PictureOptions = {}): Picture {
  const compact = options.compact ?? false;
  const sizes = new Map(diagram.nodes.map((node) => [node.id, nodeSize(node, compact)]));
  const labelWidth = (edge: DiagramEdge): number =>
    edge.operation && !compact ? textWidth(options.longest ?? edge.operation, LABEL_TEXT) + 8 : 0;
  const base = options.unit ?? 86;
  const unit = { x: Math.max(options.widest ?? 0, unitFor(diagram, sizes, labelWidth, 0.82 * base)), y: base };
  const shifts = groupShifts(diagram, unit.y);
  const nodes = diagram.nodes.map((node) => ({
    node,
    x: node.x * unit.x,
    y: node.y * unit.y + (shifts.get(node.group) ?? 0),
    ...sizes.get(node.id)!,
  }));
  const byId = new Map(nodes.map((shape) => [shape.node.id, shape]));
  const curves = diagram.edges.map((edge) => trim(curveOf(edge, byId, unit), byId.get(edge.source)!, byId.get(edge.target)!));
  const widths = diagram.edges.map((edge) => labelWidth(edge));
  const labels = placeLabels(curves, widths, nodes);
  const edges = curves.map((curve, index) => edgeShape(curve, diagram.edges[index]!, index, labels[index]!));
  return framed({ left: 0, top: 0, width: 0, height: 0, unit: unit.x, nodes, edges, titles: titlesOf(nodes, diagram, unit.y, shifts) }, curves);
}

function nodeSize(node: DiagramNode, compact: boolean): { width: number; height: number; round: boolean } {
  if (compact && node.kind !== 'operation') return { width: DOT, height: DOT, round: true };
  const round = node.kind !== 'operation' && node.label.length <= 2;
  return { width: round ? NODE_HEIGHT : textWidth(plainLabel(node.label), NODE_TEXT) + 20, height: NODE_HEIGHT, round };
}

/** Pixels per unit of x: enough for neighbouring boxes, and for a label on a straight edge between them. */
function unitFor(
  diagram: Diagram,
  sizes: ReadonlyMap<string, { width: number }>,
  labelWidth: (edge: DiagramEdge) => number,
  base: number,
): number {
  const byId = new Map(diagram.nodes.map((node) => [node.id, node]));
  let unit = base;
  for (const edge of diagram.edges) {
    const source = byId.get(edge.source)!;
    const target = byId.get(edge.target)!;
    const along = Math.abs(target.x - source.x);
    if (along < 0.3 || Math.abs(target.y - source.y) > 0.25 * along) continue;
    const boxes = (sizes.get(edge.source)!.width + sizes.get(edge.target)!.width) / 2;
    const label = Math.abs(edge.bend) < 0.2 ? labelWidth(edge) : 0;
    unit = Math.max(unit, (boxes + 2 * (label > 0 ? BESIDE_LABEL : ARROW) + label) / along);
  }
  return Math.min(unit, 2.5 * Math.max(base, 70));
}

interface Extent {
  name: string;
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** How far down each group moves so that groups one above the other, and their titles, follow closely and do not overlap. */
function groupShifts(diagram: Diagram, unit: number): Map<string, number> {
  const names = [...new Set(diagram.nodes.map((node) => node.group))];
  const shifts = new Map<string, number>();
  if (names.length < 2) return shifts;
  const placed: Extent[] = [];
  const extents = names.map((name) => extentOf(name, diagram, unit));
  for (const extent of extents.sort((a, b) => a.top - b.top)) {
    const above = placed.filter((other) => other.left < extent.right && extent.left < other.right);
    const free = Math.max(...above.map((other) => other.bottom)) + NODE_HEIGHT + TITLE_HEIGHT + 24;
    const shift = above.length > 0 ? free - extent.top : 0;
    shifts.set(extent.name, shift);
    placed.push({ ...extent, bottom: extent.bottom + shift });
  }
  return shifts;
}

function extentOf(name: string, diagram: Diagram, unit: number): Extent {
  const xs = diagram.nodes.filter((node) => node.group === name).map((node) => node.x);
  const ys = heightsOf(name, diagram).map((y) => y * unit);
  return { name, left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
}

/** The y of what a group consists of: its nodes, and its edges, which may bend beyond them. */
function heightsOf(group: string, { nodes, edges }: Diagram): number[] {
  const own = new Map(nodes.filter((node) => node.group === group).map((node) => [node.id, node]));
  const heights = [...own.values()].map((node) => node.y);
  for (const edge of edges) {
    const [start, end] = [own.get(edge.source), own.get(edge.target)];
    if (start === undefined || end === undefined) continue;
    const length = Math.hypot(end.x - start.x, end.y - start.y) || 1;
    const control = (start.y + end.y) / 2 - (2 * edge.bend * (end.x - start.x)) / length;
    for (const t of [0.25, 0.5, 0.75]) heights.push((1 - t) * (1 - t) * start.y + 2 * t * (1 - t) * control + t * t * end.y);
  }
  return heights;
}

/** The edge from centre to centre, its middle moved by `bend` to the left of its direction of travel. */
function curveOf(edge: DiagramEdge, byId: ReadonlyMap<string, NodeShape>, unit: Point): Curve {
  const start = byId.get(edge.source)!;
  const end = byId.get(edge.target)!;
  const across = { x: (end.x - start.x) / unit.x, y: (end.y - start.y) / unit.y };
  const length = Math.hypot(across.x, across.y) || 1;
  // y grows downwards, so left of (1, 0) is (0, -1); a quadratic curve's middle lies half-way to its control point.
  const control = {
    x: (start.x + end.x) / 2 + 2 * edge.bend * (across.y / length) * unit.x,
    y: (start.y + end.y) / 2 - 2 * edge.bend * (across.x / length) * unit.y,
  };
  return { start: { x: start.x, y: start.y }, control, end: { x: end.x, y: end.y } };
}

export function pointAt({ start, control, end }: Curve, t: number): Point {
  const [a, b, c] = [(1 - t) * (1 - t), 2 * t * (1 - t), t * t];
  return { x: a * start.x + b * control.x + c * end.x, y: a * start.y + b * control.y + c * end.y };
}

function isInside(point: Point, shape: NodeShape, margin: number): boolean {
  const [dx, dy] = [Math.abs(point.x - shape.x), Math.abs(point.y - shape.y)];
  if (shape.round) return Math.hypot(dx, dy) <= shape.width / 2 + margin;
  return dx <= shape.width / 2 + margin && dy <= shape.height / 2 + margin;
}

/** The parameter at which the curve crosses a node's outline, by bisection between inside and outside. */
function crossing(curve: Curve, shape: NodeShape, inside: number, outside: number): number {
  if (isInside(pointAt(curve, outside), shape, 1)) return inside;
  for (let round = 0; round < 24; round++) {
    const middle = (inside + outside) / 2;
    if (isInside(pointAt(curve, middle), shape, 1)) inside = middle;
    else outside = middle;
  }
  return outside;
}

/** The part of the curve between the outlines of its two nodes. */
function trim(curve: Curve, source: NodeShape, target: NodeShape): Curve {
  const from = crossing(curve, source, 0, 0.5);
  const to = crossing(curve, target, 1, 0.5);
  const control = { x: 0, y: 0 };
  for (const axis of ['x', 'y'] as const) {
    const early = curve.start[axis] + from * (curve.control[axis] - curve.start[axis]);
    const late = curve.control[axis] + from * (curve.end[axis] - curve.control[axis]);
    control[axis] = early + to * (late - early);
  }
  return { start: pointAt(curve, from), control, end: pointAt(curve, to) };
}

const round1 = (value: number): number => Math.round(value * 10) / 10;
const at = (point: Point): string => `${round1(point.x)} ${round1(point.y)}`;

function edgeShape(curve: Curve, edge: DiagramEdge, index: number, label: EdgeShape['label']): EdgeShape {
  const { end, control } = curve;
  const length = Math.hypot(end.x - control.x, end.y - control.y) || 1;
  const along = { x: (end.x - control.x) / length, y: (end.y - control.y) / length };
  const back = { x: end.x - ARROW * along.x, y: end.y - ARROW * along.y };
  const side = { x: -along.y * ARROW * 0.45, y: along.x * ARROW * 0.45 };
  const arrow = [end, { x: back.x + side.x, y: back.y + side.y }, { x: back.x - side.x, y: back.y - side.y }];
  const stop = { x: end.x - 0.8 * ARROW * along.x, y: end.y - 0.8 * ARROW * along.y };
  return { edge, index, path: `M${at(curve.start)}Q${at(control)} ${at(stop)}`, arrow: arrow.map(at).join(' '), label };
}

function overlap(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}

const PLACES = [0.5, 0.44, 0.56, 0.38, 0.62, 0.32, 0.68, 0.26, 0.74, 0.2, 0.8];

/** A place on each edge for its label: the one that least covers nodes, other labels and other edges. */
function placeLabels(curves: readonly Curve[], widths: readonly number[], nodes: readonly NodeShape[]): EdgeShape['label'][] {
  const taken: Box[] = nodes.map((shape) => ({
    x: shape.x - shape.width / 2 - 2,
    y: shape.y - shape.height / 2 - 2,
    width: shape.width + 4,
    height: shape.height + 4,
  }));
  const samples = curves.map((curve) => Array.from({ length: 25 }, (_, i) => pointAt(curve, i / 24)));
  const labels: EdgeShape['label'][] = curves.map(() => null);
  // Short edges have the least choice, so they choose first.
  const order = curves.map((_, index) => index).filter((index) => widths[index]! > 0);
  const lengthOf = (index: number): number => Math.hypot(curves[index]!.end.x - curves[index]!.start.x, curves[index]!.end.y - curves[index]!.start.y);
  order.sort((a, b) => lengthOf(a) - lengthOf(b));
  for (const index of order) {
    const width = widths[index]!;
    let least = Infinity;
    let best: Point = { x: 0, y: 0 };
    for (const t of PLACES) {
      const point = pointAt(curves[index]!, t);
      const box = { x: point.x - width / 2, y: point.y - LABEL_HEIGHT / 2, width, height: LABEL_HEIGHT };
      const cost = coverage(box, taken, samples, index) + 40 * Math.abs(t - 0.5);
      if (cost < least) [least, best] = [cost, point];
    }
    taken.push({ x: best.x - width / 2, y: best.y - LABEL_HEIGHT / 2, width, height: LABEL_HEIGHT });
    labels[index] = { ...best, width };
  }
  return labels;
}

function coverage(box: Box, taken: readonly Box[], samples: readonly Point[][], own: number): number {
  let cost = 0;
  for (const other of taken) cost += overlap(box, other);
  samples.forEach((points, index) => {
    if (index === own) return;
    for (const { x, y } of points) {
      if (x > box.x && x < box.x + box.width && y > box.y && y < box.y + box.height) cost += 12;
    }
  });
  return cost;
}

/** The name of each group, above it and what bends beyond it. */
function titlesOf(nodes: readonly NodeShape[], diagram: Diagram, unit: number, shifts: ReadonlyMap<string, number>): Picture['titles'] {
  const names = [...new Set(nodes.map((shape) => shape.node.group))].filter((name) => name !== '');
  return names.map((text) => {
    const left = Math.min(...nodes.filter((shape) => shape.node.group === text).map((shape) => shape.x - shape.width / 2));
    const top = Math.min(...heightsOf(text, diagram)) * unit + (shifts.get(text) ?? 0);
    return { text, x: left, y: top - NODE_HEIGHT / 2 - 14 };
  });
}

/** Sets the frame: everything that is drawn, and a margin. */
function framed(picture: Picture, curves: readonly Curve[]): Picture {
  const boxes: Box[] = [];
  for (const { x, y, width, height } of picture.nodes) boxes.push({ x: x - width / 2, y: y - height / 2, width, height });
  for (const { label } of picture.edges) {
    if (label) boxes.push({ x: label.x - label.width / 2, y: label.y - LABEL_HEIGHT / 2, width: label.width, height: LABEL_HEIGHT });
  }
  for (const curve of curves) for (const t of [0.25, 0.5, 0.75]) boxes.push({ ...pointAt(curve, t), width: 0, height: 0 });
  for (const { text, x, y } of picture.titles) boxes.push({ x, y: y - 14, width: textWidth(text, 14), height: 16 });
  if (boxes.length === 0) return { ...picture, width: 2 * MARGIN, height: 2 * MARGIN };
  const left = Math.min(...boxes.map((box) => box.x)) - MARGIN;
  const top = Math.min(...boxes.map((box) => box.y)) - MARGIN;
  const width = Math.max(...boxes.map((box) => box.x + box.width)) + MARGIN - left;
  const height = Math.max(...boxes.map((box) => box.y + box.height)) + MARGIN - top;
  return { ...picture, left, top, width: Math.ceil(width), height: Math.ceil(height) };
}

/** What differs between two diagrams: indices of edges and ids of nodes of the second that the first has not. */
export function differences(before: Diagram, after: Diagram): { edges: Set<number>; nodes: Set<string> } {
  const edgeKey = (edge: DiagramEdge): string => JSON.stringify([edge.source, edge.target, edge.operation]);
  const nodeKey = (node: DiagramNode): string => JSON.stringify([node.id, node.label]);
  const edges = new Set(before.edges.map(edgeKey));
  const nodes = new Set(before.nodes.map(nodeKey));
  return {
    edges: new Set(after.edges.flatMap((edge, index) => (edges.has(edgeKey(edge)) ? [] : [index]))),
    nodes: new Set(after.nodes.filter((node) => !nodes.has(nodeKey(node))).map((node) => node.id)),
  };
}
