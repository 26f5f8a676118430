import { describe, expect, it } from 'vitest';
import { readArchitecture, readEvents, readHistory } from '../src/documents';
import { architecture, diagram, EVENTS, HEADER, lines } from './samples';

describe('an architecture', () => {
  it('is read from text or from an object, with the defaults filled in', () => {
    const fromText = readArchitecture(JSON.stringify(architecture()));
    expect(fromText).toEqual(readArchitecture(architecture()));
    expect(fromText.diagram.nodes[1]).toEqual({ id: 'b', x: 2, y: 0, label: '1', kind: 'node', group: '', decision: null });
    expect(fromText.diagram.edges[2]).toEqual({ source: 'b', target: 'c', operation: '', decision: null, bend: 0 });
  });

  it.each([
    ['{', /the file is not JSON/],
    ['[]', /the document must be an object; got \[\]/],
    [{ ...architecture(), format: 'nasedu.history' }, /not a nasedu.architecture document: its format is "nasedu.history"/],
    [{ ...architecture(), version: 2 }, /version 2 .* is unknown here/],
    [{ ...architecture(), diagram: { nodes: [], edges: [{ source: 'q', target: 'a' }] } }, /there is no node "q"/],
    [{ ...architecture(), diagram: { nodes: [{ id: 'a', x: null, y: 0, label: '' }], edges: [] } }, /nodes\[0\].x must be a number; got null/],
    [{ ...architecture(), diagram: { nodes: 5, edges: [] } }, /diagram.nodes must be a list; got 5/],
    [{ ...architecture(), space: { name: 'x', decisions: [7] } }, /space.decisions\[0\] must be an object/],
  ])('that is wrong says what must hold and what was given: %#', (document, message) => {
    expect(() => readArchitecture(document)).toThrow(message);
  });

  it('refuses a diagram too large to draw', () => {
    const nodes = Array.from({ length: 2001 }, (_, i) => ({ id: String(i), x: 0, y: 0, label: '' }));
    expect(() => readArchitecture({ ...architecture(), diagram: { nodes, edges: [] } })).toThrow(/at most 2000/);
  });
});

describe('a history', () => {
  it('is a header and events', () => {
    const history = readHistory(lines());
    expect(history.header.strategy.name).toBe('RegularizedEvolution');
    expect(history.events).toHaveLength(6);
    expect(history.events[3]).toMatchObject({ event: 'trial', score: null, failure: 'out of memory' });
  });

  it('may come as the list of lines that a notebook file holds', () => {
    expect(readHistory(lines().split(/(?<=\n)/))).toEqual(readHistory(lines()));
  });

  it('loses a last line that was cut off, and nothing else', () => {
    const cut = lines().slice(0, -20);
    expect(readHistory(cut).events).toHaveLength(5);
    expect(readHistory(lines().trimEnd()).events).toHaveLength(6);
  });

  it.each([
    ['', /must begin with a header line; the file is empty/],
    ['garbage\n', /line 1 is not JSON/],
    [`${JSON.stringify(HEADER)}\n{"event":"ask"}\n`, /line 2: number must be a number; got undefined/],
    [`${JSON.stringify(HEADER)}\n\n{"event":"dance","number":0}\n`, /line 3: event must be "ask", "trial" or "step"; got "dance"/],
    [`${JSON.stringify(HEADER)}\ngarbage\n${JSON.stringify(EVENTS[0])}\n`, /line 2 is not JSON/],
    [`${JSON.stringify(HEADER)}\n{"event":"ask","number":0,"diagram":7}\n`, /line 2: diagram must be an object; got 7/],
  ])('that is wrong says so with the number of the line: %#', (text, message) => {
    expect(() => readHistory(text)).toThrow(message);
  });

  it('grows by the lines of new events', () => {
    expect(readEvents('')).toEqual([]);
    expect(readEvents(`${JSON.stringify(EVENTS[0])}\n`)[0]!.diagram!.edges).toHaveLength(diagram([0, 0]).edges ? 3 : 0);
  });

  it('is not moved by names that mean something to objects', () => {
    const evil = '{"event":"ask","number":0,"__proto__":{"polluted":1},"state":{"__proto__":{"polluted":1}}}\n';
    readEvents(evil);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});
