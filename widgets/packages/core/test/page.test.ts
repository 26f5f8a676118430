// @vitest-environment jsdom
import { afterEach, describe, expect, it, vi } from 'vitest';
import { readArchitecture, readHistory } from '../src/documents';
import { operationStyle } from '../src/palette';
import { clean } from '../src/text';
import { mountArchitecture } from '../src/page/architecture';
import { mountPlayer, type PlayerOptions } from '../src/page/player';
import { showProblem } from '../src/page/problem';
import { architecture, EVENTS, HEADER, lines } from './samples';

const HOSTILE = [
  '</script><img src=x onerror="globalThis.stolen=1">',
  '<svg onload="globalThis.stolen=1">',
  '"><script>globalThis.stolen=1</script>',
  "javascript:globalThis.stolen=1",
  '<!--<script>',
  '\u2028\u202e\u0000',
  '__proto__',
];

/** Every string of a document, replaced. */
function poisoned(value: unknown, poison: string, keep: ReadonlySet<string>): unknown {
  if (typeof value === 'string') return poison;
  if (Array.isArray(value)) return value.map((entry) => poisoned(entry, poison, keep));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, keep.has(key) ? entry : poisoned(entry, poison, keep)]));
}

const STRUCTURE = new Set(['format', 'event', 'id', 'source', 'target']);

const frame = (): Promise<unknown> => new Promise((resolve) => requestAnimationFrame(resolve));

function play(text: string, options: PlayerOptions = {}) {
  const player = mountPlayer(document.body, readHistory(text), options);
  const root = document.querySelector<HTMLElement>('.nasedu-player')!;
  const press = async (key: string, more: KeyboardEventInit = {}): Promise<void> => {
    root.querySelector('.nasedu-range')!.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, ...more }));
    await frame();
  };
  const click = async (name: string): Promise<void> => {
    root.querySelector<HTMLButtonElement>(`[aria-label="${name}"]`)!.click();
    await frame();
  };
  return { player, root, press, click };
}

afterEach(() => {
  expect((globalThis as Record<string, unknown>).stolen).toBeUndefined();
  document.body.replaceChildren();
});

describe('a player', () => {
  it('moves by mouse and by keyboard, and says where it is', async () => {
    const moves: number[] = [];
    const { root, press, click } = play(lines(), { onMove: (position) => moves.push(position) });
    await click('One event forward');
    await press('ArrowRight');
    expect(root.dataset.position).toBe('2');
    expect(root.querySelector('.nasedu-sentence')!.textContent).toBe('Trial 0: accuracy 0.500, a new incumbent.');
    expect(root.querySelector('.nasedu-range')!.getAttribute('aria-valuetext')).toMatch(/^Event 2 of 6. Trial 0/);
    await press('End');
    await click('One event back');
    expect(root.dataset.position).toBe('5');
    expect(moves).toEqual([1, 2, 6, 5]);
  });

  it('marks what was changed in the child and in its parent', async () => {
    const drawn = EVENTS.map((event) => (event.event === 'ask' ? { ...event, diagram: EVENTS[0]!.diagram } : event));
    const { root } = play(lines(drawn), { position: 5 });
    expect(root.querySelector('.nasedu-child .nasedu-edge.nasedu-changed')!.getAttribute('data-decision')).toBe('1');
    expect(root.querySelector('.nasedu-parent .nasedu-edge.nasedu-changed')!.getAttribute('data-decision')).toBe('1');
  });

  it('shows a climb as a table, and of a population the marks that occur', () => {
    const climb = { ...HEADER, strategy: { name: 'LocalSearch', settings: {} } };
    const events = [...EVENTS.slice(0, 2), EVENTS[4]].map((event) => ({ ...event, state: { ...event!.state, draws: undefined } }));
    const text = (header: unknown): string => [header, ...events].map((row) => `${JSON.stringify(row)}\n`).join('');
    const entries = (root: HTMLElement): string[] =>
      [...root.querySelectorAll<HTMLElement>('.nasedu-legend li')].flatMap((entry) => (entry.hidden ? [] : [entry.textContent!]));
    const { root, player } = play(text(climb), { position: 3 });
    expect(root.querySelector('.nasedu-population')).toBeNull();
    expect(root.querySelector('.nasedu-state')!.textContent).toContain('parent');
    player.destroy();
    expect(entries(play(text(HEADER), { position: 3 }).root)).toEqual(['member', 'parent', 'child']);
  });

  it('fades in each of two parents what the other one gave', () => {
    const state = { generation: 1, parents: [0, 1], cut: 1, mutated: [] };
    const events = [...EVENTS.slice(0, 4), { event: 'ask', number: 2, choices: [0, 1], diagram: EVENTS[0]!.diagram, state }];
    const { root } = play(lines(events), { position: 5 });
    const faded = [...root.querySelectorAll('.nasedu-parent')].map((parent) =>
      [...parent.querySelectorAll('.nasedu-faded')].map((edge) => edge.getAttribute('data-decision')),
    );
    expect(faded).toEqual([['1'], ['0']]); // decisions before the cut come from the first parent
  });

  it('leaves keys with modifiers, and of the speed, to others', async () => {
    const { root, press } = play(lines());
    await press('ArrowRight', { ctrlKey: true });
    root.querySelector('select')!.dispatchEvent(new KeyboardEvent('keydown', { key: 'End', bubbles: true }));
    await frame();
    expect(root.dataset.position).toBe('0');
  });

  it('keeps JupyterLab shortcuts away from everything that can have the focus', () => {
    const { root } = play(lines(), { position: 6 });
    const focusable = root.querySelectorAll('button, input, select, [tabindex]');
    expect(focusable.length).toBeGreaterThan(7);
    for (const one of focusable) expect(one.getAttribute('data-lm-suppress-shortcuts')).toBe('true');
  });

  it('says in tooltips which key does the same, and marks the trial of the moment', async () => {
    const { root, press, click } = play(lines(), { position: 2 });
    expect(root.querySelector<HTMLElement>('.nasedu-forward')!.title).toBe('One event forward (→)');
    expect(root.querySelector<HTMLElement>('.nasedu-now')!.hidden).toBe(false);
    await press('ArrowRight');
    expect(root.querySelector<HTMLElement>('.nasedu-now')!.hidden).toBe(true); // an ask
    await click('Play');
    expect(root.querySelector<HTMLElement>('.nasedu-play')!.title).toBe('Pause (k)');
    await click('Pause');
  });

  it('asks for more at the end of a live search, once, and shows what comes', async () => {
    const onWant = vi.fn();
    const { player, root, press } = play(`${JSON.stringify(HEADER)}\n`, { live: true, onWant });
    await press('ArrowRight');
    await press('ArrowRight');
    expect(onWant).toHaveBeenCalledTimes(1);
    const text = EVENTS.slice(0, 2).map((event) => `${JSON.stringify(event)}\n`).join('');
    player.append(0, text, true);
    player.append(0, text, true); // the answer to another view: known already
    await frame();
    expect(root.dataset).toMatchObject({ position: '1', length: '2', waiting: 'false' });
    player.fail('ValueError: no');
    await frame();
    expect(root.querySelector<HTMLElement>('.nasedu-error')!.hidden).toBe(false);
    expect(root.querySelector('.nasedu-error')!.textContent).toBe('ValueError: no');
  });

  it('leaves nothing behind', () => {
    const { player } = play(lines());
    player.destroy();
    expect(document.body.childElementCount).toBe(0);
  });

  it.each(HOSTILE)('shows hostile text as text: %j', async (poison) => {
    const rows = [HEADER, ...EVENTS].map((row) => poisoned(row, poison, STRUCTURE));
    const { root, press } = play(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    for (let step = 0; step < 6; step++) await press('ArrowRight');
    expect(root.querySelectorAll('script, img, a, iframe, [onload], [onerror], [href]')).toHaveLength(0);
  });

  const STATES = [
    { probabilities: [[0.1, 'x', null], 3, null], chosen: 'x', entropy: {} },
    { probabilities: ['x'], labels: 4, chosen: [] },
    { alphas: { normal: [[0, 1], 'x', []] } },
    { alphas: 7 },
    { parent: 99, draws: 'x', changed: [42, -1], cut: null },
    { parents: [99, 0, 0], mutated: null, population: [5] },
    { deep: { er: [1, { x: null }] }, text: 'x', nothing: null },
  ];
  it.each(STATES)('survives a state that is not as it should be: %j', async (state) => {
    const events = EVENTS.map((event) => ({ ...event, state }));
    const { root, press } = play(lines([...events, { event: 'step', number: 7, state }]));
    for (let step = 0; step < 7; step++) await press('ArrowRight');
    expect(root.dataset.position).toBe('7');
  });
});

describe('an architecture as its string', () => {
  const named = (): Record<string, unknown> => ({ ...architecture(), name: '<skip~0|conv~0>', pieces: [['<', null], ['skip~0', 0], ['|', null], ['conv~0', 1], ['>', null]] });
  const mount = (onSelect?: (decision: number) => void) => {
    const view = mountArchitecture(document.body, readArchitecture(named()), onSelect);
    return { view, pieces: [...document.querySelectorAll<HTMLElement>('.nasedu-piece')] };
  };
  const lit = (): (string | null)[] => [...document.querySelectorAll('.nasedu-lit')].map((part) => part.getAttribute('data-edge') ?? part.textContent);
  const key = (target: Element, name: string): boolean => target.dispatchEvent(new KeyboardEvent('keydown', { key: name, bubbles: true, cancelable: true }));

  it('is the whole string, each piece in the colour of its operation', () => {
    const { pieces } = mount();
    expect(document.querySelector('.nasedu-string')!.textContent).toBe('<skip~0|conv~0>');
    expect(document.querySelector('.nasedu-name')!.textContent).toBe('toy');
    expect(pieces.map((piece) => piece.style.getPropertyValue('--n-op'))).toEqual(['skip_connect', 'nor_conv_3x3'].map((name) => operationStyle(name).color));
  });

  it('lights up with the drawing, whichever of the two the pointer is on', () => {
    const { pieces } = mount();
    const over = (target: Element): void => void target.dispatchEvent(new MouseEvent('pointerover', { bubbles: true }));
    over(document.querySelector('[data-edge="1"] .nasedu-halo')!);
    expect(new Set(lit())).toEqual(new Set(['1', 'nor_conv_3x3', 'conv~0']));
    over(pieces[0]!);
    expect(new Set(lit())).toEqual(new Set(['0', 'skip_connect', 'skip~0']));
    over(document.querySelector('.nasedu-string')!);
    expect(lit()).toEqual([]);
    over(pieces[0]!);
    document.querySelector('.nasedu-architecture')!.dispatchEvent(new MouseEvent('pointerleave'));
    expect(lit()).toEqual([]);
  });

  it('is walked along by keyboard, from one place that Tab reaches', () => {
    const { pieces } = mount();
    expect(pieces.map((piece) => piece.tabIndex)).toEqual([0, -1]);
    pieces[0]!.focus();
    expect(lit()).toContain('0');
    expect(key(pieces[0]!, 'ArrowRight')).toBe(false); // handled
    expect(document.activeElement).toBe(pieces[1]);
    expect(pieces.map((piece) => piece.tabIndex)).toEqual([-1, 0]);
    expect(lit()).toContain('1');
    key(pieces[1]!, 'ArrowRight');
    expect(document.activeElement).toBe(pieces[1]);
    key(pieces[1]!, 'Home');
    expect(document.activeElement).toBe(pieces[0]);
    expect(key(pieces[0]!, 'd')).toBe(true); // not ours
    pieces[0]!.blur();
    expect(lit()).toEqual([]);
  });

  it('selects what a piece tells, with and without somebody who listens', () => {
    const selected: number[] = [];
    for (const onSelect of [(decision: number) => void selected.push(decision), undefined]) {
      const { view, pieces } = mount(onSelect);
      key(pieces[1]!, 'Enter');
      expect(document.querySelector('[data-edge="1"]')!.classList.contains('nasedu-selected')).toBe(true);
      expect(pieces.map((piece) => piece.getAttribute('aria-pressed'))).toEqual(['false', 'true']);
      document.querySelector('[data-label="1"] rect')!.dispatchEvent(new MouseEvent('click', { bubbles: true }));
      expect(document.querySelectorAll('.nasedu-selected')).toHaveLength(0);
      view.destroy();
    }
    expect(selected).toEqual([1, -1]);
  });

  it('keeps JupyterLab shortcuts away', () => {
    const { pieces } = mount();
    for (const piece of pieces) expect(piece.getAttribute('data-lm-suppress-shortcuts')).toBe('true');
  });

  const TOO_MANY = [['<skip~0|conv~0>', 0], ...Array.from({ length: 5000 }, () => ['', 0])];
  it.each([[undefined], [[['x', 0]]], [[['<skip~0|conv~0>', null]]], [TOO_MANY]])('is in the caption where its pieces are not known: %#', (pieces) => {
    mountArchitecture(document.body, readArchitecture({ ...named(), pieces }));
    expect(document.querySelector<HTMLElement>('.nasedu-string')!.hidden).toBe(true);
    expect(document.querySelector('.nasedu-name')!.textContent).toBe('toy · <skip~0|conv~0>');
  });

  it.each(HOSTILE)('shows hostile pieces as text: %j', (poison) => {
    mountArchitecture(document.body, readArchitecture({ ...named(), name: poison, pieces: [[poison, 0]] }));
    expect(document.querySelectorAll('script, img, a, iframe, [onload], [onerror]')).toHaveLength(0);
    expect(document.querySelector('.nasedu-piece')!.textContent).toBe(clean(poison));
  });
});

describe('an architecture', () => {
  it('can be selected in by mouse and by keyboard', () => {
    const selected: number[] = [];
    mountArchitecture(document.body, readArchitecture(architecture()), (decision) => selected.push(decision));
    const edges = document.querySelectorAll<SVGGElement>('[role=button]');
    expect([...edges].map((edge) => edge.getAttribute('aria-label'))).toEqual(['in to 1: skip_connect', 'in to out: nor_conv_3x3']);
    edges[1]!.dispatchEvent(new MouseEvent('click', { bubbles: true }));
    expect(edges[1]!.getAttribute('aria-pressed')).toBe('true');
    edges[0]!.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));
    edges[0]!.dispatchEvent(new KeyboardEvent('keydown', { key: ' ', bubbles: true }));
    expect(selected).toEqual([1, 0, -1]);
  });

  it('is selected in by its nodes where these are what was decided', () => {
    const selected: number[] = [];
    const nodes = [{ id: 'layer 1', x: 0, y: 0, label: 'pool', kind: 'operation', decision: 4 }];
    const document_ = { ...architecture(), diagram: { nodes, edges: [] } };
    mountArchitecture(document.body, readArchitecture(document_), (decision) => selected.push(decision));
    const node = document.querySelector<SVGGElement>('[role=button]')!;
    expect(node.getAttribute('aria-label')).toBe('layer 1: pool');
    node.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));
    expect(node.classList.contains('nasedu-selected')).toBe(true);
    expect(selected).toEqual([4]);
  });

  it.each(HOSTILE)('shows hostile text as text: %j', (poison) => {
    mountArchitecture(document.body, readArchitecture(poisoned(architecture(), poison, STRUCTURE)));
    expect(document.querySelectorAll('script, img, a, iframe, [onload], [onerror]')).toHaveLength(0);
    expect(document.querySelectorAll('.nasedu-node')).toHaveLength(3);
  });
});

it('says inline why something cannot be drawn', () => {
  try {
    readArchitecture('{');
  } catch (error) {
    showProblem(document.body, error, '<img src=x onerror=1>');
  }
  expect(document.querySelector('[role=alert]')!.textContent).toMatch(/^This cannot be drawn: the file is not JSON/);
  expect(document.querySelectorAll('img')).toHaveLength(0);
});
