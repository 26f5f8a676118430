import { describe, expect, it } from 'vitest';
import { readDiagram, type Diagram } from '../src/documents';
import { differences, layOut, pointAt, type Picture } from '../src/geometry';
import { labelParts, plainLabel, textWidth } from '../src/text';
import { diagram } from './samples';

const toy = (choices: readonly number[]): Diagram => readDiagram(diagram(choices));

function numbersIn(path: string): number[] {
  return path.match(/-?[\d.]+/g)!.map(Number);
}

function boxes(picture: Picture): { x: number; y: number; width: number; height: number }[] {
  return [...picture.nodes, ...picture.edges.flatMap(({ label }) => (label ? [{ ...label, height: 17 }] : []))];
}

describe('a picture', () => {
  it('holds everything it draws inside its frame', () => {
    const picture = layOut(toy([2, 2]));
    for (const { x, y, width, height } of boxes(picture)) {
      expect(x - width / 2).toBeGreaterThanOrEqual(picture.left);
      expect(y - height / 2).toBeGreaterThanOrEqual(picture.top);
      expect(x + width / 2).toBeLessThanOrEqual(picture.left + picture.width);
      expect(y + height / 2).toBeLessThanOrEqual(picture.top + picture.height);
    }
  });

  it('starts and ends edges at the outlines of their nodes', () => {
    const picture = layOut(toy([2, 2]));
    const [source, target] = [picture.nodes[0]!, picture.nodes[1]!];
    const [startX, startY] = numbersIn(picture.edges[0]!.path);
    const [tipX] = numbersIn(picture.edges[0]!.arrow);
    expect(startX).toBeCloseTo(source.x + source.width / 2 + 1, 0);
    expect(startY).toBeCloseTo(source.y, 0);
    expect(tipX).toBeCloseTo(target.x - target.width / 2 - 1, 0);
  });

  it('moves the middle of a bent edge to the left of its direction of travel', () => {
    const nodes = [
      { id: 'a', x: 0, y: 0, label: '' },
      { id: 'b', x: 3, y: 0, label: '' },
    ];
    const right = layOut(readDiagram({ nodes, edges: [{ source: 'a', target: 'b', bend: 0.5 }] }));
    const left = layOut(readDiagram({ nodes, edges: [{ source: 'b', target: 'a', bend: 0.5 }] }));
    expect(numbersIn(right.edges[0]!.path)[3]).toBeLessThan(0); // y grows downwards: left of rightwards is up
    expect(numbersIn(left.edges[0]!.path)[3]).toBeGreaterThan(0);
    const curve = { start: { x: 0, y: 0 }, control: { x: 1, y: 2 }, end: { x: 2, y: 0 } };
    expect(pointAt(curve, 0.5)).toEqual({ x: 1, y: 1 }); // half-way to the control point
  });

  it('keeps the trimmed part of a bent edge on the whole curve', () => {
    const nodes = [
      { id: 'a', x: 0, y: 0, label: 'a rather long name' },
      { id: 'b', x: 6, y: 0, label: 'b' },
    ];
    const { edges, unit } = layOut(readDiagram({ nodes, edges: [{ source: 'a', target: 'b', bend: 1 }] }));
    const [x0, y0, x1, y1] = numbersIn(edges[0]!.path) as [number, number, number, number];
    const [x2, y2] = numbersIn(edges[0]!.arrow) as [number, number];
    const part = { start: { x: x0, y: y0 }, control: { x: x1, y: y1 }, end: { x: x2, y: y2 } };
    const whole = { start: { x: 0, y: 0 }, control: { x: 3 * unit, y: -172 }, end: { x: 6 * unit, y: 0 } };
    for (const t of [0, 0.25, 0.5, 0.75, 1]) {
      const { x, y } = pointAt(part, t);
      expect(y).toBeCloseTo(pointAt(whole, x / (6 * unit)).y, 0); // x runs evenly along this curve
    }
  });

  it('is wide enough for the label of a straight edge', () => {
    const long = 'an operation with a very long name';
    const nodes = [
      { id: 'a', x: 0, y: 0, label: 'in' },
      { id: 'b', x: 1.5, y: 0, label: 'out' },
    ];
    const [source, target] = layOut(readDiagram({ nodes, edges: [{ source: 'a', target: 'b', operation: long }] })).nodes;
    expect(target!.x - source!.x).toBeGreaterThan(textWidth(long, 12) + 30);
  });

  it('sets groups one above the other close together, with titles, and leaves groups side by side alone', () => {
    const at = (x: number, y: number, group: string) => ({ id: `${x} ${y}`, x, y, label: '', group });
    const stacked = layOut(readDiagram({ nodes: [at(0, 0, 'one'), at(1, 1, 'one'), at(0, 9, 'two'), at(1, 10, 'two')], edges: [] }));
    expect(stacked.titles.map(({ text }) => text)).toEqual(['one', 'two']);
    expect(stacked.height).toBeLessThan(400);
    expect(stacked.titles[1]!.y - 14).toBeGreaterThan(stacked.nodes[1]!.y + stacked.nodes[1]!.height / 2);
    const beside = layOut(readDiagram({ nodes: [at(0, 0, 'one'), at(1, 0, 'one'), at(2, 0, 'two'), at(3, 0, 'two')], edges: [] }));
    expect(new Set(beside.nodes.map(({ y }) => y)).size).toBe(1);
  });

  it('keeps titles away from edges that bend beyond the nodes of their group', () => {
    const nodes = ['one', 'two'].flatMap((group, row) => [0, 3].map((x) => ({ id: `${group} ${x}`, x, y: 2 * row, label: '', group })));
    const edges = [0.9, -0.9].map((bend, row) => ({ source: `${row ? 'two' : 'one'} 0`, target: `${row ? 'two' : 'one'} 3`, operation: 'conv', bend }));
    for (const given of [edges, edges.map((edge) => ({ ...edge, bend: -edge.bend }))]) {
      const picture = layOut(readDiagram({ nodes, edges: given }));
      const [above, below] = picture.titles.map(({ y }) => y);
      const [first, second] = picture.edges.map(({ label }) => label!.y);
      expect(first! - above!).toBeGreaterThan(16);
      expect(below! - first!).toBeGreaterThan(16);
      expect(second! - below!).toBeGreaterThan(16);
    }
  });

  it('survives nodes at one point, edges to themselves and nothing at all', () => {
    const nodes = [
      { id: 'a', x: 0, y: 0, label: 'a' },
      { id: 'b', x: 0, y: 0, label: 'b' },
    ];
    const edges = [
      { source: 'a', target: 'b', operation: 'x', bend: 3 },
      { source: 'a', target: 'a', operation: 'x' },
    ];
    for (const picture of [layOut(readDiagram({ nodes, edges })), layOut({ nodes: [], edges: [] })]) {
      expect(JSON.stringify(picture)).not.toMatch(/null,"y"|NaN|Infinity/);
      expect(picture.width).toBeGreaterThan(0);
    }
  });

  it('makes labels avoid one another', () => {
    const nodes = ['a', 'b', 'c', 'd'].map((id, i) => ({ id, x: i < 2 ? 0 : 3, y: i % 2, label: id }));
    const edges = [
      { source: 'a', target: 'd', operation: 'crossing' },
      { source: 'b', target: 'c', operation: 'crossing' },
    ];
    const labels = layOut(readDiagram({ nodes, edges })).edges.map(({ label }) => label!);
    const [first, second] = [labels[0]!, labels[1]!];
    const apart = Math.abs(first.x - second.x) >= first.width - 0.1 || Math.abs(first.y - second.y) >= 16.9;
    expect(apart).toBe(true);
  });
});

it('names what differs between two diagrams', () => {
  expect(differences(toy([0, 1]), toy([0, 2]))).toEqual({ edges: new Set([1]), nodes: new Set() });
  expect(differences(toy([0, 1]), toy([0, 1])).edges.size).toBe(0);
});

it('splits labels with indices', () => {
  expect(labelParts('c_{k-1}')).toEqual(['c', 'k-1', '']);
  expect(plainLabel('c_{k-1}')).toBe('ck-1');
  expect(labelParts('plain_name')).toEqual(['plain_name']);
});
