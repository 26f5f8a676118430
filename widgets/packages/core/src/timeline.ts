/** A history prepared for looking at any moment of it. A position is the number of events that have happened. */

import type { Diagram, Header, History, HistoryEvent, State } from './documents';

export interface TrialRow {
  /** Index of the trial's event. */
  event: number;
  number: number;
  score: number | null;
  /** How long it was trained; 0 where that has no meaning. */
  epochs: number;
  /** Whether it was trained for longer than all earlier trials, or scores higher than all trained as long. */
  isIncumbent: boolean;
}

export interface Shown {
  diagram: Diagram;
  event: HistoryEvent;
  /** Whether it belongs to an earlier event, because this one was recorded without a picture. */
  stale: boolean;
}

export class Timeline {
  readonly header: Header;
  readonly events: HistoryEvent[] = [];
  readonly trials: TrialRow[] = [];
  private readonly asks = new Map<number, number>();
  private readonly answers = new Map<number, number>();
  private readonly lastDrawn: number[] = [];
  private readonly lastState: number[] = [];
  private readonly incumbents: number[] = [];

  constructor(history: History) {
    this.header = history.header;
    this.append(history.events);
  }

  get length(): number {
    return this.events.length;
  }

  append(events: readonly HistoryEvent[]): void {
    for (const event of events) {
      const index = this.events.length;
      this.events.push(event);
      if (event.event === 'ask') this.asks.set(event.number, index);
      this.lastDrawn.push(event.diagram ? index : (this.lastDrawn[index - 1] ?? -1));
      this.lastState.push(event.state ? index : (this.lastState[index - 1] ?? -1));
      this.incumbents.push(this.incumbents[index - 1] ?? -1);
      if (event.event === 'trial') this.addTrial(event, index);
    }
  }

  private addTrial(event: HistoryEvent, index: number): void {
    this.answers.set(event.number, this.trials.length);
    const best = this.trials[this.incumbents[index]!];
    const epochs = event.epochs ?? 0;
    const isIncumbent =
      event.score !== null &&
      (best === undefined || epochs > best.epochs || (epochs === best.epochs && event.score > best.score!));
    if (isIncumbent) this.incumbents[index] = this.trials.length;
    this.trials.push({ event: index, number: event.number, score: event.score, epochs, isIncumbent });
  }

  /** The event that happened last, or null before the first. */
  at(position: number): HistoryEvent | null {
    return this.events[position - 1] ?? null;
  }

  ask(number: number): HistoryEvent | null {
    return this.events[this.asks.get(number) ?? -1] ?? null;
  }

  trial(number: number): TrialRow | null {
    return this.trials[this.answers.get(number) ?? -1] ?? null;
  }

  incumbent(position: number): TrialRow | null {
    return this.trials[this.incumbents[position - 1] ?? -1] ?? null;
  }

  /** How many trials were finished at a position. */
  finished(position: number): number {
    let [low, high] = [0, this.trials.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.trials[middle]!.event < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The picture of the architecture that the last event is about. */
  shown(position: number): Shown | null {
    const event = this.at(position);
    if (event === null) return null;
    const own = event.diagram ? event : event.event === 'trial' ? this.ask(event.number) : null;
    if (own?.diagram) return { diagram: own.diagram, event: own, stale: false };
    const earlier = this.events[this.lastDrawn[position - 1]!];
    return earlier?.diagram ? { diagram: earlier.diagram, event: earlier, stale: true } : null;
  }

  /** What the strategy showed at this moment; the latest earlier one where this event has none. */
  snapshot(position: number): Snapshot | null {
    const event = this.at(position);
    if (event === null) return null;
    const ask = event.event === 'trial' ? this.ask(event.number) : null;
    if (event.state || ask?.state) return snapshotOf(event, ask, false);
    const earlier = this.events[this.lastState[position - 1]!];
    if (earlier === undefined) return null;
    return snapshotOf(earlier, earlier.event === 'trial' ? this.ask(earlier.number) : null, true);
  }
}

export interface Snapshot {
  number: number;
  /** What was shown when the architecture was proposed (or, in weight sharing, after the step). */
  proposal: State;
  /** What was shown when the trial was told; null before that. */
  answer: State | null;
  stale: boolean;
}

function snapshotOf(event: HistoryEvent, ask: HistoryEvent | null, stale: boolean): Snapshot {
  if (event.event !== 'trial') return { number: event.number, proposal: event.state ?? {}, answer: null, stale };
  return { number: event.number, proposal: ask?.state ?? {}, answer: event.state ?? {}, stale };
}
