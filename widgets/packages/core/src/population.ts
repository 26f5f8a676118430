/** Who is in the population at a moment, in order of age, and who descends from whom. */

import type { State } from './documents';
import { numberOf, numbersOf } from './states';
import type { Timeline } from './timeline';

export interface Member {
  number: number;
  score: number | null;
  role: 'member' | 'drawn' | 'parent' | 'child';
  /** Whether it leaves the population with this event. */
  leaves: boolean;
}

export interface Population {
  /** How many places a picture needs, so that members keep theirs while the population fills. */
  places: number;
  /** In order of age, the oldest first; the child last. */
  members: Member[];
  parents: number[];
  /** The child of the last event, whether evaluated or not. */
  child: number | null;
  generation: number | null;
}

/** What a history says of its population. */
export type Mark = Member['role'] | 'leaves';

/** Whether there is a population at all: a climb has a parent too, and goes from one trial to the next. */
export function hasPopulation(timeline: Timeline): boolean {
  const isSaid = (state: State): boolean => ['draws', 'parents', 'generation'].some((key) => state[key] !== undefined);
  return 'population_size' in timeline.header.strategy.settings || timeline.events.some(({ state }) => state !== null && isSaid(state));
}

/** The marks that occur anywhere in a history. */
export function marksIn(timeline: Timeline): Set<Mark> {
  const marks = new Set<Mark>(['member', 'child']);
  for (const { state } of timeline.events) {
    if (numbersOf(state?.draws).length) marks.add('drawn');
    if (numberOf(state?.parent) !== null || numbersOf(state?.parents).length) marks.add('parent');
    if (numberOf(state?.left) !== null) marks.add('leaves');
  }
  return marks;
}

/** The numbers of the population's trials after the first `position` events. */
export function membersAt(timeline: Timeline, position: number): number[] {
  const limit = numberOf(timeline.header.strategy.settings.population_size) ?? Infinity;
  let members = new Set<number>(); // which remembers the order of entering
  for (const trial of timeline.trials) {
    if (trial.event >= position) break;
    const state = timeline.events[trial.event]!.state;
    if (state && Array.isArray(state.population)) {
      members = new Set(numbersOf(state.population));
      continue;
    }
    if (state && numberOf(state.entered) === null) continue;
    members.add(numberOf(state?.entered) ?? trial.number);
    const left = numberOf(state?.left);
    const [oldest] = members;
    if (left !== null) members.delete(left);
    else if (!state && members.size > limit) members.delete(oldest!); // recorded without its state
  }
  return [...members];
}

export function populationAt(timeline: Timeline, position: number): Population {
  const event = timeline.at(position);
  const ask = event?.event === 'trial' ? timeline.ask(event.number) : event;
  const proposal = ask?.state ?? {};
  const answer = event?.event === 'trial' ? (event.state ?? {}) : {};
  const parents = [...numbersOf(proposal.parents), ...numbersOf([proposal.parent])];
  const drawn = new Set(numbersOf(proposal.draws));
  const left = numberOf(answer.left);
  const numbers = membersAt(timeline, position);
  if (left !== null) numbers.unshift(left);
  const child = event === null ? null : event.number;
  if (child !== null && !numbers.includes(child)) numbers.push(child);
  const roleOf = (number: number): Member['role'] => {
    if (number === child) return 'child';
    if (parents.includes(number)) return 'parent';
    return drawn.has(number) ? 'drawn' : 'member';
  };
  const isKnown = (number: number): boolean => (timeline.trial(number)?.event ?? Infinity) < position;
  const members = numbers.map((number) => ({
    number,
    score: isKnown(number) ? timeline.trial(number)!.score : null,
    role: roleOf(number),
    leaves: number === left,
  }));
  const size = numberOf(timeline.header.strategy.settings.population_size) ?? 0;
  const places = Math.max(members.length, size <= 500 ? size + 1 : 0);
  return { places, members, parents, child, generation: numberOf(proposal.generation) };
}

/** Indices of the decisions in which the proposal was changed by chance. */
export function changedDecisions(proposal: Record<string, unknown>): Set<number> {
  return new Set([...numbersOf(proposal.changed), ...numbersOf(proposal.mutated)]);
}
