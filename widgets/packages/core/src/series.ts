/** Numbers over the course of a search, and the paths that draw them in a frame of 1000 by 100. */

import { stateNumber } from './states';
import { formatNumber } from './text';
import type { Timeline } from './timeline';

export interface Series {
  name: string;
  /** Pairs of event index and value. */
  points: [number, number][];
}

export interface Range {
  low: number;
  high: number;
}

export const FRAME = { width: 1000, height: 100 };

/** The values of these keys in the states of all events; keys that never occur are left out. */
export function stateSeries(timeline: Timeline, names: readonly string[]): Series[] {
  const series = names.map((name): Series => ({ name, points: [] }));
  timeline.events.forEach((event, index) => {
    if (event.state === null) return;
    for (const { name, points } of series) {
      const value = stateNumber(event.state, name);
      if (value !== null) points.push([index, value]);
    }
  });
  return series.filter(({ points }) => points.length > 0);
}

/** The scores of all trials, and of the best one so far. */
export function scoreSeries(timeline: Timeline): { scores: Series; incumbent: Series; failed: number[] } {
  const scores: Series = { name: 'score', points: [] };
  const incumbent: Series = { name: 'incumbent', points: [] };
  const failed: number[] = [];
  for (const trial of timeline.trials) {
    if (trial.score === null) failed.push(trial.event);
    else scores.points.push([trial.event, trial.score]);
    if (trial.isIncumbent) incumbent.points.push([trial.event, trial.score!]);
  }
  return { scores, incumbent, failed };
}

/** What the scores are: a search for accuracy alone scores by validation accuracy. */
export function scoreName({ events, trials }: Timeline): string {
  const isAccuracy = trials.every(({ event, score }) => score === null || events[event]!.accuracy === score);
  return isAccuracy ? 'validation accuracy' : 'score';
}

/** From the lowest to the highest value, never empty. */
export function rangeOf(series: readonly Series[]): Range {
  let [low, high] = [Infinity, -Infinity];
  for (const { points } of series) {
    for (const [, value] of points) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  if (low > high) return { low: 0, high: 1 };
  if (low < high) return { low, high };
  const margin = Math.max(0.05, 0.1 * Math.abs(low));
  return { low: low - margin, high: high + margin };
}

const round2 = (value: number): number => Math.round(value * 100) / 100;

/** Position in the frame, leaving a small margin above and below. */
export function place([event, value]: readonly [number, number], length: number, range: Range): [number, number] {
  const x = length > 0 ? (FRAME.width * (event + 1)) / length : 0;
  return [round2(x), heightOf(value, range)];
}

/** Height in the frame, from above: the lowest and the highest value keep away from its border. */
export function heightOf(value: number, { low, high }: Range): number {
  return round2(FRAME.height * (0.92 - 0.84 * ((value - low) / (high - low))));
}

export interface Tick {
  /** Where it stands: a percentage of the width from the left, or of the height from above. */
  percent: number;
  text: string;
}

/** Three to five round numbers within a range, all with as many decimals. */
export function valueTicks(range: Range): Tick[] {
  const span = range.high - range.low;
  const count = (step: number): number => Math.floor(range.high / step + 1e-9) - Math.ceil(range.low / step - 1e-9) + 1;
  const exponent = Math.floor(Math.log10(span)) - 1;
  const steps = [1, 2, 2.5, 5, 10, 20, 25, 50].map((factor) => factor * 10 ** exponent);
  const few = steps.find((step) => count(step) === 3 || count(step) === 4);
  const step = few ?? steps.find((one) => count(one) <= 5) ?? span;
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) + (isWhole(step / 10 ** Math.floor(Math.log10(step) + 1e-9)) ? 0 : 1);
  const isPlain = decimals <= 4 && Math.abs(range.high) < 1e5 && Math.abs(range.low) < 1e5;
  return Array.from({ length: Math.min(count(step), 5) }, (_, index) => {
    const value = (Math.ceil(range.low / step - 1e-9) + index) * step;
    return { percent: heightOf(value, range), text: isPlain ? (value + 0).toFixed(decimals) : formatNumber(value) };
  });
}

const isWhole = (value: number): boolean => Math.abs(value - Math.round(value)) < 1e-6;

export interface Across {
  name: string;
  ticks: Tick[];
}

/** Round numbers of trials, or of steps where there are no trials, under their events. */
export function eventTicks(timeline: Timeline): Across {
  const kind = timeline.trials.length > 0 ? 'trial' : 'step';
  const places = new Map<number, number>();
  timeline.events.forEach(({ event, number }, index) => event === kind && places.set(number, index));
  const most = [...places.keys()].reduce((largest, number) => Math.max(largest, number), 1);
  const size = 10 ** Math.floor(Math.log10(most));
  const step = [0.1, 0.2, 0.5, 1, 2].map((factor) => factor * size).find((one) => one >= 1 && most / one <= 6) ?? size;
  const ticks: Tick[] = [];
  for (let number = 0; number <= most; number += step) {
    const event = places.get(number);
    if (event === undefined) continue;
    const percent = round2((100 * (event + 1)) / timeline.length);
    if (percent - (ticks.at(-1)?.percent ?? -Infinity) > 6) ticks.push({ percent, text: String(number) });
  }
  return { name: kind, ticks };
}

export function linePath(points: Series['points'], length: number, range: Range): string {
  return points.map((point, index) => `${index ? 'L' : 'M'}${place(point, length, range).join(' ')}`).join('');
}

/** Stairs: each value holds until the next, the last to the end. */
export function stairPath(points: Series['points'], length: number, range: Range): string {
  const parts = points.map((point, index) => {
    const [x, y] = place(point, length, range);
    return index ? `H${x}V${y}` : `M${x} ${y}`;
  });
  return parts.length ? `${parts.join('')}H${FRAME.width}` : '';
}

/** Strokes of no length: with round caps, each is a dot. */
export function dotPath(points: Series['points'], length: number, range: Range): string {
  return points.map((point) => `M${place(point, length, range).join(' ')}h0`).join('');
}
