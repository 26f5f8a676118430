/** Numbers over the course of a search, and the paths that draw them in a frame of 1000 by 100. */

import { stateNumber } from './states';
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
  const y = FRAME.height * (0.94 - 0.88 * ((value - range.low) / (range.high - range.low)));
  return [round2(x), round2(y)];
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
