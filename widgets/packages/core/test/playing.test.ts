import { describe, expect, it } from 'vitest';
import { readEvents, readHistory } from '../src/documents';
import { narrate } from '../src/narrate';
import { arrived, begin, failed, keyed, moveBy, moveTo, tick, toggle, type Playback } from '../src/playback';
import { hasPopulation, marksIn, membersAt, populationAt } from '../src/population';
import { eventTicks, linePath, place, rangeOf, scoreName, scoreSeries, stairPath, stateSeries, valueTicks } from '../src/series';
import { panelKind, otherFields } from '../src/states';
import { Timeline } from '../src/timeline';
import { EVENTS, HEADER, lines } from './samples';

const timeline = (): Timeline => new Timeline(readHistory(lines()));

describe('playing', () => {
  const recorded = begin(6, false, 3);
  const live = begin(6, true, 6);

  it('moves within the events', () => {
    expect(moveBy(recorded, 1).position).toBe(4);
    expect(moveBy(recorded, 100).position).toBe(6);
    expect(moveBy(recorded, -100).position).toBe(0);
    expect(moveTo(recorded, NaN).position).toBe(0);
    expect(begin(6, false, 1e9).position).toBe(6);
  });

  it('asks Python once for what comes after the end of a live search', () => {
    const waiting = moveBy(live, 1);
    expect(waiting).toMatchObject({ position: 6, waiting: true });
    expect(arrived(waiting, 8, true)).toMatchObject({ position: 7, length: 8, waiting: false, live: true });
    expect(moveBy(begin(6, false, 6), 1).waiting).toBe(false);
    expect(moveBy(begin(6, true, 5), 1).waiting).toBe(false);
  });

  it('stays where somebody went while Python was working', () => {
    const elsewhere = moveTo(moveBy(live, 1), 2);
    expect(elsewhere.waiting).toBe(true);
    expect(arrived(elsewhere, 8, true)).toMatchObject({ position: 2, length: 8, waiting: false });
  });

  it('plays one event a beat, waits for each answer, and stops at the end', () => {
    let now: Playback = toggle(begin(2, false, 0));
    const seen: number[] = [];
    for (let beat = 0; beat < 4; beat++) seen.push((now = tick(now)).position);
    expect(seen).toEqual([1, 2, 2, 2]);
    expect(now.playing).toBe(false);

    now = tick(toggle(live));
    expect(now).toMatchObject({ playing: true, waiting: true });
    expect(tick(now)).toBe(now);
    now = arrived(now, 8, false);
    expect(now).toMatchObject({ playing: true, position: 7 });
    expect(failed(moveBy(live, 1))).toMatchObject({ playing: false, waiting: true }); // the answer still comes
  });

  it('begins again from the start when played at the end', () => {
    expect(toggle(begin(6, false, 6))).toMatchObject({ position: 0, playing: true });
    expect(toggle(begin(0, false, 0)).playing).toBe(false);
  });

  it.each([
    ['ArrowRight', false, 101],
    ['ArrowLeft', true, 90],
    ['PageUp', false, 120],
    ['PageDown', false, 80],
    ['Home', false, 0],
    ['End', false, 400],
  ])('does with %s what it says', (key, shift, position) => {
    expect(keyed(begin(400, false, 100), key, shift)?.position).toBe(position);
  });

  it('leaves other keys alone', () => {
    expect(keyed(recorded, 'd', false)).toBeNull();
    expect(keyed(recorded, 'k', false)?.playing).toBe(true);
  });
});

describe('a timeline', () => {
  it('knows the incumbent at every moment', () => {
    const incumbents = [0, 1, 2, 3, 4, 5, 6].map((position) => timeline().incumbent(position)?.number ?? null);
    expect(incumbents).toEqual([null, null, 0, 0, 0, 0, 2]);
    expect(timeline().finished(5)).toBe(2);
  });

  it('leaves the first of two equal trials the incumbent', () => {
    const events = [...EVENTS, { event: 'trial', number: 3, score: 0.913, state: { entered: 3 } }];
    expect(new Timeline(readHistory(lines(events))).incumbent(7)?.number).toBe(2);
  });

  it('lets the best of those trained for longest be the incumbent', () => {
    const trials = [
      [3, 0.99, 1],
      [4, 0.5, 3],
      [5, 0.7, 1],
      [6, 0.6, 3],
    ].map(([number, score, epochs]) => ({ event: 'trial', number, score, epochs }));
    const found = new Timeline(readHistory(lines([...EVENTS, ...trials])));
    expect([7, 8, 9, 10].map((position) => found.incumbent(position)?.number)).toEqual([3, 4, 4, 6]);
  });

  it('shows a trial by the picture of its ask, and an undrawn event by the latest earlier picture', () => {
    expect(timeline().shown(2)).toMatchObject({ stale: false, event: { number: 0 } });
    expect(timeline().shown(5)).toMatchObject({ stale: true, event: { number: 1 } });
    expect(timeline().shown(0)).toBeNull();
  });

  it('says what just happened', () => {
    const said = [0, 1, 2, 4, 5, 6].map((position) => narrate(timeline(), position));
    expect(said).toEqual([
      'Before the first event: RegularizedEvolution on toy.',
      'Ask 0: a random architecture, no parent.',
      'Trial 0: accuracy 0.500, a new incumbent.',
      'Trial 1 failed: out of memory.',
      'Ask 2: child of trial 0, edge 0→2 changed from skip_connect to nor_conv_3x3.',
      'Trial 2: accuracy 0.913, a new incumbent.',
    ]);
  });

  it('grows like one that was read at once', () => {
    const growing = new Timeline(readHistory(`${JSON.stringify(HEADER)}\n`));
    for (const event of EVENTS) growing.append(readEvents(`${JSON.stringify(event)}\n`));
    const whole = timeline();
    for (let position = 0; position <= 6; position++) {
      expect(growing.shown(position)).toEqual(whole.shown(position));
      expect(growing.snapshot(position)).toEqual(whole.snapshot(position));
      expect(narrate(growing, position)).toBe(narrate(whole, position));
    }
  });
});

describe('a population', () => {
  it('is who entered and has not left', () => {
    expect([0, 2, 4, 5, 6].map((position) => membersAt(timeline(), position))).toEqual([[], [0], [0, 1], [0, 1], [1, 2]]);
  });

  it('shows the tournament, the parent, the child and who leaves', () => {
    const asked = populationAt(timeline(), 5).members;
    expect(asked.map(({ number, role }) => [number, role])).toEqual([[0, 'parent'], [1, 'drawn'], [2, 'child']]);
    expect(asked[2]!.score).toBeNull(); // not evaluated yet
    const told = populationAt(timeline(), 6).members;
    expect(told.map(({ number, leaves }) => [number, leaves])).toEqual([[0, true], [1, false], [2, false]]);
    expect(told[2]!.score).toBe(0.913);
  });

  it('keeps its size where states were left out', () => {
    const bare = EVENTS.map(({ state: _, ...event }) => event);
    expect(membersAt(new Timeline(readHistory(lines(bare))), 6)).toEqual([1, 2]);
  });

  it('is told from a climb, which has parents too', () => {
    const climb = { ...HEADER, strategy: { name: 'LocalSearch', settings: { initial_asks: 1 } } };
    const events = [
      { event: 'ask', number: 0, choices: [0, 1], state: { climb: 0, parent: null } },
      { event: 'trial', number: 0, score: 0.5, state: { entered: 0, left: null } },
      { event: 'ask', number: 1, choices: [2, 1], state: { climb: 0, parent: 0, changed: [0] } },
    ];
    const read = (header: unknown, more: unknown[] = []) =>
      new Timeline(readHistory([header, ...events, ...more].map((row) => `${JSON.stringify(row)}\n`).join('')));
    expect(hasPopulation(read(climb))).toBe(false);
    expect(hasPopulation(read(HEADER))).toBe(true); // its settings have a population_size
    expect(hasPopulation(read(climb, [{ event: 'ask', number: 2, choices: [0, 0], state: { parents: [0, 1] } }]))).toBe(true);
    expect([...marksIn(read(HEADER))].sort()).toEqual(['child', 'member', 'parent']); // nobody was drawn, nobody left
    expect([...marksIn(timeline())].sort()).toEqual(['child', 'drawn', 'leaves', 'member', 'parent']);
  });

  it('is replaced at the end of a generation', () => {
    const events = [...EVENTS, { event: 'trial', number: 3, score: 0.1, state: { entered: 3, population: [2, 3] } }];
    expect(membersAt(new Timeline(readHistory(lines(events))), 7)).toEqual([2, 3]);
  });
});

describe('panels', () => {
  const kind = (proposal: Record<string, unknown>, answer = {}, has = true) => panelKind({ number: 0, proposal, answer, stale: false }, has);

  it('are chosen by the keys of the state', () => {
    expect(kind({ parent: null })).toBe('population');
    expect(kind({}, { entered: 3 })).toBe('population');
    expect(kind({ probabilities: [[0.5, 0.5], null] })).toBe('controller');
    expect(kind({ alphas: {}, entropy: 1 })).toBe('supernet');
    expect(kind({ temperature: 3 })).toBe('table');
    expect(kind({ parent: 0 }, { entered: 3 }, false)).toBe('table');
  });

  it('leave what they do not draw to a table', () => {
    const snapshot = { number: 0, proposal: { parent: 1, note: 'x' }, answer: null, stale: false };
    expect(otherFields(snapshot, 'population')).toEqual([['note', 'x']]);
  });
});

describe('charts', () => {
  it('place the cursor where the dots are', () => {
    const { scores, incumbent, failed: failures } = scoreSeries(timeline());
    expect(scores.points).toEqual([[1, 0.5], [5, 0.913]]);
    expect(failures).toEqual([3]);
    expect(place([5, 0.913], 6, rangeOf([scores]))).toEqual([1000, 8]);
    expect(stairPath(incumbent.points, 6, rangeOf([scores]))).toBe('M333.33 92H1000V8H1000');
  });

  it('do not divide by an empty range', () => {
    const flat = { name: 'x', points: [[0, 2], [1, 2]] as [number, number][] };
    expect(linePath(flat.points, 2, rangeOf([flat]))).toBe('M500 50L1000 50');
    expect(rangeOf([])).toEqual({ low: 0, high: 1 });
  });

  it('draw numbers of the states', () => {
    expect(stateSeries(timeline(), ['entered', 'absent'])).toEqual([{ name: 'entered', points: [[1, 0], [3, 1], [5, 2]] }]);
  });
});

describe('axes', () => {
  const texts = (low: number, high: number): string[] => valueTicks({ low, high }).map(({ text }) => text);

  it('have three to five round numbers with as many decimals', () => {
    expect(texts(0.381, 0.743)).toEqual(['0.4', '0.5', '0.6', '0.7']);
    expect(texts(0, 0.188)).toEqual(['0.00', '0.05', '0.10', '0.15']);
    expect(texts(-3, 3)).toEqual(['-2', '0', '2']);
    expect(texts(1.448, 1.77)).toEqual(['1.5', '1.6', '1.7']);
    for (const [low, high] of [[0.1, 0.10001], [-2e6, 3e9], [1e-9, 4e-9], [7, 7.3], [0, 1]] as const) {
      const ticks = valueTicks({ low, high });
      expect(ticks.length).toBeGreaterThanOrEqual(3);
      expect(ticks.length).toBeLessThanOrEqual(5);
      for (const { percent } of ticks) expect(Math.abs(percent - 50)).toBeLessThanOrEqual(42.01);
    }
  });

  it('number the trials under their events', () => {
    const timeline = new Timeline(readHistory(lines()));
    expect(eventTicks(timeline)).toEqual({
      name: 'trial',
      ticks: [{ percent: 33.33, text: '0' }, { percent: 66.67, text: '1' }, { percent: 100, text: '2' }],
    });
    expect(scoreName(timeline)).toBe('validation accuracy');
    expect(eventTicks(new Timeline(readHistory(lines([]))))).toEqual({ name: 'step', ticks: [] });
  });
});
