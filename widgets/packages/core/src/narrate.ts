/** One sentence for what just happened. */

import type { HistoryEvent, State } from './documents';
import { changedDecisions } from './population';
import { numberOf, numbersOf, stateNumber } from './states';
import { clean, formatNumber, shorten } from './text';
import type { Timeline } from './timeline';

export function narrate(timeline: Timeline, position: number): string {
  const event = timeline.at(position);
  if (event === null) return beginning(timeline);
  if (event.event === 'ask') return clean(askSentence(timeline, event));
  if (event.event === 'trial') return clean(trialSentence(timeline, event, position));
  return clean(stepSentence(event));
}

function beginning(timeline: Timeline): string {
  const { strategy, space } = timeline.header;
  return clean(`Before the first event: ${strategy.name || 'a search'} on ${space.name}.`);
}

function askSentence(timeline: Timeline, event: HistoryEvent): string {
  const state = event.state ?? {};
  const origin = originOf(timeline, event, state);
  const name = event.name ? shorten(event.name, 120) : '';
  return origin ? `Ask ${event.number}: ${origin}.` : `Ask ${event.number}: ${name || 'a new architecture'}.`;
}

function originOf(timeline: Timeline, event: HistoryEvent, state: State): string {
  const parents = [...numbersOf(state.parents), ...numbersOf([state.parent])];
  const parent = parents[0];
  if (parent === undefined) return 'parent' in state || 'parents' in state ? 'a random architecture, no parent' : '';
  const changed = changes(timeline, event, timeline.ask(parent), changedDecisions(state));
  if (parents.length === 1) return `child of trial ${parent}${changed ? `, ${changed}` : ', unchanged'}`;
  const cut = numberOf(state.cut);
  const from = `child of trials ${parents.join(' and ')}${cut === null ? '' : `, cut after decision ${cut}`}`;
  return changed ? `${from}, ${changed}` : from;
}

/** "edge 0→3 changed from skip_connect to nor_conv_3x3" for each decision that was changed. */
function changes(timeline: Timeline, child: HistoryEvent, parent: HistoryEvent | null, changed: ReadonlySet<number>): string {
  const parts = [...changed].map((index) => {
    const decision = timeline.header.space.decisions[index];
    const name = decision?.name ?? `decision ${index}`;
    const after = decision?.options[child.choices?.[index] ?? -1];
    const before = decision?.options[parent?.choices?.[index] ?? -1];
    if (after === undefined) return `${name} changed`;
    return before === undefined || before === after ? `${name} drawn anew: ${after}` : `${name} changed from ${before} to ${after}`;
  });
  const most = 2;
  return parts.length > most ? `${parts.slice(0, most).join('; ')}; ${parts.length - most} more` : parts.join('; ');
}

function trialSentence(timeline: Timeline, event: HistoryEvent, position: number): string {
  const start = `Trial ${event.number}`;
  if (event.failure !== null) return `${start} failed: ${shorten(event.failure, 160)}.`;
  const value = event.accuracy !== null ? `accuracy ${formatNumber(event.accuracy)}` : `score ${formatNumber(event.score ?? NaN)}`;
  const incumbent = timeline.incumbent(position);
  if (incumbent === null) return `${start}: ${value}.`;
  if (incumbent.number === event.number) return `${start}: ${value}, a new incumbent.`;
  return `${start}: ${value}; the incumbent is still trial ${incumbent.number} with ${formatNumber(incumbent.score!)}.`;
}

const STEP_KEYS = ['train_loss', 'validation_loss', 'train_accuracy', 'validation_accuracy', 'reward', 'entropy'];

function stepSentence(event: HistoryEvent): string {
  const parts = STEP_KEYS.flatMap((key) => {
    const value = stateNumber(event.state, key);
    return value === null ? [] : [`${key.replace('_', ' ')} ${formatNumber(value)}`];
  });
  return `Step ${event.number}${parts.length ? `: ${parts.slice(0, 4).join(', ')}` : ''}.`;
}
