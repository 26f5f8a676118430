/** Small documents for the tests. */

export const SPACE = {
  name: 'toy',
  parameters: {},
  decisions: [
    { name: 'edge 0→1', options: ['none', 'skip_connect', 'nor_conv_3x3'] },
    { name: 'edge 0→2', options: ['none', 'skip_connect', 'nor_conv_3x3'] },
  ],
};

export const OPERATIONS = ['none', 'skip_connect', 'nor_conv_3x3'];

export function diagram(choices: readonly number[]): Record<string, unknown> {
  return {
    nodes: [
      { id: 'a', x: 0, y: 0, label: 'in', kind: 'input' },
      { id: 'b', x: 2, y: 0, label: '1' },
      { id: 'c', x: 4, y: 1, label: 'out', kind: 'output' },
    ],
    edges: [
      { source: 'a', target: 'b', operation: OPERATIONS[choices[0]!], decision: 0 },
      { source: 'a', target: 'c', operation: OPERATIONS[choices[1]!], decision: 1, bend: 0.5 },
      { source: 'b', target: 'c' },
    ],
  };
}

export function architecture(): Record<string, unknown> {
  return { format: 'nasedu.architecture', version: 1, space: SPACE, choices: {}, name: 'x', diagram: diagram([1, 2]) };
}

export const HEADER = {
  format: 'nasedu.history',
  version: 1,
  space: SPACE,
  strategy: { name: 'RegularizedEvolution', settings: { population_size: 2 } },
  evaluator: { name: 'score' },
};

export const EVENTS = [
  { event: 'ask', number: 0, choices: [0, 1], name: 'a0', diagram: diagram([0, 1]), state: { parent: null, draws: [], changed: [] } },
  { event: 'trial', number: 0, score: 0.5, accuracy: 0.5, state: { entered: 0, left: null } },
  { event: 'ask', number: 1, choices: [2, 1], name: 'a1', diagram: diagram([2, 1]), state: { parent: null } },
  { event: 'trial', number: 1, failure: 'out of memory', state: { entered: 1, left: null } },
  { event: 'ask', number: 2, choices: [0, 2], name: 'a2', state: { parent: 0, draws: [0, 1], changed: [1] } },
  { event: 'trial', number: 2, score: 0.913, accuracy: 0.913, state: { entered: 2, left: 0 } },
];

export function lines(events: readonly unknown[] = EVENTS): string {
  return [HEADER, ...events].map((row) => `${JSON.stringify(row)}\n`).join('');
}
