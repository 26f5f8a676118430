/** Which panel shows a strategy's state. Decided by the keys that are there, never by the strategy's name. */

import type { State } from './documents';
import type { Snapshot } from './timeline';

export type PanelKind = 'population' | 'controller' | 'supernet' | 'table';

const KEYS: Record<Exclude<PanelKind, 'table'>, readonly string[]> = {
  population: ['parent', 'parents', 'draws', 'changed', 'generation', 'cut', 'mutated', 'elite', 'entered', 'left', 'population'],
  controller: ['probabilities', 'chosen', 'log_probability', 'entropy', 'reward', 'baseline', 'advantage', 'loss'],
  supernet: ['alphas', 'train_loss', 'validation_loss', 'train_accuracy', 'validation_accuracy', 'entropy'],
};

/** `hasPopulation` is of the whole history: a panel must not come and go between an ask and its tell. */
export function panelKind({ proposal, answer }: Snapshot, hasPopulation: boolean): PanelKind {
  const state = { ...proposal, ...answer };
  if (state.alphas !== undefined) return 'supernet';
  if (Array.isArray(state.probabilities)) return 'controller';
  const isPopulation = ['parent', 'parents', 'draws', 'generation', 'entered'].some((key) => state[key] !== undefined);
  return hasPopulation && isPopulation ? 'population' : 'table';
}

/** What a panel does not draw, and a table must show. */
export function otherFields({ proposal, answer }: Snapshot, kind: PanelKind): [string, unknown][] {
  const drawn: readonly string[] = kind === 'table' ? [] : KEYS[kind];
  return Object.entries({ ...proposal, ...answer }).filter(([name]) => !drawn.includes(name));
}

// Readers that make the best of a value that is not as expected -------------------------------

export function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

export function numbersOf(value: unknown): number[] {
  return Array.isArray(value) ? value.filter((entry): entry is number => numberOf(entry) !== null) : [];
}

export function stateNumber(state: State | null, name: string): number | null {
  return state === null ? null : numberOf(state[name]);
}
