/** What a controller says: a distribution over options for each decision. */

import type { Space } from './documents';
import { numberOf, numbersOf } from './states';

export interface Option {
  label: string;
  probability: number;
  isChosen: boolean;
}

export interface Column {
  title: string;
  /** Null where the decision does not matter for this architecture. */
  options: Option[] | null;
}

/** One column per decision. */
export function controllerColumns(space: Space, probabilities: unknown, chosen: unknown): Column[] {
  const rows = Array.isArray(probabilities) ? probabilities : [];
  const choices = Array.isArray(chosen) ? chosen : [];
  return rows.map((row, index) => {
    const decision = space.decisions[index];
    const title = decision?.name ?? `decision ${index}`;
    if (!Array.isArray(row)) return { title, options: null };
    return { title, options: optionsOf(row, decision?.options ?? [], numberOf(choices[index])) };
  });
}

function optionsOf(row: readonly unknown[], names: readonly string[], chosen: number | null): Option[] {
  return row.map((entry, index) => ({
    label: names[index] ?? String(index),
    probability: Math.min(1, Math.max(0, numberOf(entry) ?? 0)),
    isChosen: index === chosen,
  }));
}

/** Weights that add up to one: exp(a) / sum of exp(a), shifted by the largest so that nothing overflows. */
export function softmax(alphas: readonly number[]): number[] {
  const largest = Math.max(...alphas);
  const powers = alphas.map((alpha) => Math.exp(alpha - largest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

export interface CellWeights {
  name: string;
  /** One row per edge, one weight per operation. */
  rows: number[][];
}

/** The architecture parameters of each cell as weights. */
export function cellWeights(alphas: unknown): CellWeights[] {
  if (typeof alphas !== 'object' || alphas === null) return [];
  return Object.entries(alphas).map(([name, rows]) => ({
    name,
    rows: (Array.isArray(rows) ? rows : []).map((row) => softmax(numbersOf(row))),
  }));
}

export function largest(row: readonly number[]): number {
  return row.reduce((best, weight, index) => (weight > row[best]! ? index : best), 0);
}
