/** The player of a history: step, play and scrub, one event at a time. */

import { readEvents, type History } from '../documents';
import { narrate } from '../narrate';
import { arrived, begin, failed, keyed, moveBy, moveTo, tick, toggle, type Playback } from '../playback';
import { hasPopulation } from '../population';
import { dotPath, eventTicks, place, rangeOf, scoreName, scoreSeries, stairPath, type Range } from '../series';
import { otherFields, panelKind, type PanelKind } from '../states';
import { formatNumber } from '../text';
import { Timeline } from '../timeline';
import { makeChart, type Now } from './chart';
import { element, write } from './elements';
import type { Panel } from './panel';
import { makePanel } from './panels';
import { makeStage } from './stage';
import { drawTable } from './table_panel';
import { makeTransport, nameButton, setIcon } from './transport';

export interface PlayerOptions {
  position?: number;
  /** Whether more events can be asked for. */
  live?: boolean;
  /** Called for every move; `final` when it is the end of a gesture. */
  onMove?(position: number, final: boolean): void;
  /** Called when the next events are wanted; answer with `append`. */
  onWant?(): void;
}

export interface Player {
  moveTo(position: number): void;
  /** Adds events, the first of which has index `first`; those that are known already are passed over. */
  append(first: number, text: string, live: boolean): void;
  /** Says why Python could not go on; an empty message takes that back. */
  fail(message: string): void;
  readonly length: number;
  destroy(): void;
}

export function mountPlayer(host: HTMLElement, history: History, options: PlayerOptions = {}): Player {
  const timeline = new Timeline(history);
  const view = makeView(timeline);
  host.append(view.element);
  let playback = begin(timeline.length, options.live ?? false, options.position ?? 0);
  let frame = 0;
  let beat = 0;
  const paint = (): void => {
    frame = 0;
    view.show(playback);
  };
  const become = (next: Playback, final: boolean): void => {
    const before = playback;
    playback = next;
    if (next.waiting && !before.waiting) {
      view.complain('');
      options.onWant?.();
    }
    if (next.position !== before.position || (final && !next.playing)) options.onMove?.(next.position, final);
    if (next.playing && !beat) beat = window.setTimeout(onBeat, view.pause());
    frame ||= requestAnimationFrame(paint);
  };
  const onBeat = (): void => {
    beat = 0;
    become(tick(playback), false);
  };
  const controls = new AbortController();
  listen(view, () => playback, become, controls.signal);
  paint();
  return {
    moveTo: (position) => {
      if (position === playback.position) return;
      playback = { ...moveTo(playback, position), playing: playback.playing };
      frame ||= requestAnimationFrame(paint);
    },
    append(first, text, live) {
      timeline.append(readEvents(text).slice(Math.max(0, timeline.length - first)));
      view.grow();
      become(arrived(playback, timeline.length, live), true);
    },
    fail(message) {
      view.complain(message);
      if (message) become(failed(playback), true);
    },
    get length() {
      return timeline.length;
    },
    destroy() {
      controls.abort();
      clearTimeout(beat);
      cancelAnimationFrame(frame);
      view.element.remove();
    },
  };
}

type Become = (next: Playback, final: boolean) => void;

function listen(view: View, now: () => Playback, become: Become, signal: AbortSignal): void {
  const { transport } = view;
  const onClick = (button: HTMLElement, next: () => Playback): void =>
    button.addEventListener('click', () => become(next(), true), { signal });
  onClick(transport.first, () => moveTo(now(), 0));
  onClick(transport.back, () => moveBy(now(), -1));
  onClick(transport.play, () => toggle(now()));
  onClick(transport.forward, () => moveBy(now(), 1));
  onClick(transport.last, () => moveTo(now(), now().length));
  transport.range.addEventListener('input', () => become(moveTo(now(), transport.range.valueAsNumber), false), { signal });
  transport.range.addEventListener('change', () => become(now(), true), { signal });
  view.element.addEventListener('keydown', (event) => onKey(event, now(), become), { signal });
}

function onKey(event: KeyboardEvent, playback: Playback, become: Become): void {
  const { target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (target instanceof HTMLSelectElement) return; // its own keys
  if (event.key === ' ' && target instanceof HTMLButtonElement) return; // a click
  const next = keyed(playback, event.key, event.shiftKey);
  if (next === null) return;
  event.preventDefault();
  event.stopPropagation();
  become(next, true);
}

interface View {
  element: HTMLElement;
  transport: ReturnType<typeof makeTransport>;
  show(playback: Playback): void;
  grow(): void;
  complain(message: string): void;
  /** Milliseconds between two events while playing. */
  pause(): number;
}

function makeView(timeline: Timeline): View {
  const { strategy, space, evaluator } = timeline.header;
  const title = element('h3', 'nasedu-head', [strategy.name, space.name, evaluator].filter(Boolean).join(' · '));
  const sentence = element('p', 'nasedu-sentence');
  sentence.setAttribute('aria-live', 'polite');
  const alarm = element('p', 'nasedu-error');
  alarm.setAttribute('role', 'alert');
  alarm.hidden = true;
  const transport = makeTransport();
  const scores = makeScores(timeline);
  const stage = makeStage(timeline);
  const side = makeSide(timeline);
  const body = element('div', 'nasedu-body', stage.element, side.element);
  const root = element('div', 'nasedu nasedu-player', title, transport.element, sentence, alarm, scores.element, body);
  root.setAttribute('role', 'group');
  root.setAttribute('aria-label', `Player: ${title.textContent}`);
  return {
    element: root,
    transport,
    grow() {
      scores.grow();
      side.grow();
    },
    complain(message) {
      alarm.hidden = message === '';
      write(alarm, message);
    },
    pause: () => 1000 / Number(transport.speed.value),
    show(playback) {
      const { position } = playback;
      const text = narrate(timeline, position);
      sentence.setAttribute('aria-live', playback.playing ? 'off' : 'polite');
      write(sentence, text);
      showTransport(transport, playback, text);
      Object.assign(root.dataset, { position, length: playback.length, live: playback.live, playing: playback.playing, waiting: playback.waiting });
      scores.show(position);
      stage.show(position);
      side.show(position);
    },
  };
}

function showTransport(transport: View['transport'], { position, length, live, playing, waiting }: Playback, text: string): void {
  const { range, count, play, back, first, forward, last } = transport;
  if (range.max !== String(length)) range.max = String(length);
  if (range.valueAsNumber !== position) range.value = String(position);
  range.setAttribute('aria-valuetext', `Event ${position} of ${length}. ${text}`);
  write(count, waiting ? `${position} / ${length} … waiting for Python` : `${position} / ${length}${live ? ' +' : ''}`);
  if (play.getAttribute('aria-label') !== (playing ? 'Pause' : 'Play')) {
    setIcon(play, playing ? 'pause' : 'play');
    nameButton(play, playing ? 'Pause' : 'Play');
  }
  // aria-disabled and not disabled: a disabled button would lose the focus in the middle of stepping.
  for (const button of [first, back]) button.setAttribute('aria-disabled', String(position === 0));
  forward.setAttribute('aria-disabled', String(position === length && !live));
  last.setAttribute('aria-disabled', String(position === length));
}

interface Part {
  element: HTMLElement;
  show(position: number): void;
  grow(): void;
}

/** The score of every trial so far as dots, and the incumbent as stairs. */
function makeScores(timeline: Timeline): Part {
  const legend = [
    { kind: 'dots', name: 'trial' },
    { kind: 'stairs', name: 'incumbent' },
    { kind: 'failed', name: 'failed' },
  ];
  const chart = makeChart('Score of every trial so far', legend, () => scoreName(timeline));
  chart.element.classList.add('nasedu-scores');
  let range: Range = { low: 0, high: 1 };
  const grow = (): void => {
    const { scores, incumbent, failed: failures } = scoreSeries(timeline);
    range = rangeOf([scores]);
    const { length } = timeline;
    chart.element.hidden = timeline.trials.length === 0;
    chart.draw(
      [
        { kind: 'dots', path: dotPath(scores.points, length, range) },
        { kind: 'failed', path: dotPath(failures.map((event) => [event, range.low]), length, range) },
        { kind: 'stairs', path: stairPath(incumbent.points, length, range) },
      ],
      range,
      eventTicks(timeline),
    );
  };
  const nowAt = (position: number): Now | null => {
    const event = timeline.at(position);
    if (event?.event !== 'trial') return null;
    return { place: place([position - 1, event.score ?? range.low], timeline.length, range), isFailed: event.score === null };
  };
  grow();
  return {
    element: chart.element,
    grow,
    show(position) {
      const best = timeline.incumbent(position);
      const count = timeline.finished(position);
      const part = timeline.length ? position / timeline.length : 0;
      chart.point(part, `${count} trials${best ? `, incumbent ${formatNumber(best.score!)} of trial ${best.number}` : ''}`, nowAt(position));
    },
  };
}

/** The strategy's panel of the moment, and a table for what it does not draw. */
function makeSide(timeline: Timeline): Part {
  const panels = new Map<PanelKind, Panel>();
  const extra = element('table', 'nasedu-table');
  const host = element('div', 'nasedu-side');
  let current: Panel | null = null;
  let isOfPopulation = hasPopulation(timeline);
  const change = (kind: PanelKind): Panel => {
    const panel = panels.get(kind) ?? makePanel(kind, timeline);
    panels.set(kind, panel);
    if (panel !== current) host.replaceChildren(panel.element, extra);
    current = panel;
    return panel;
  };
  return {
    element: host,
    grow() {
      isOfPopulation = hasPopulation(timeline);
      panels.forEach((panel) => panel.grow());
    },
    show(position) {
      const snapshot = timeline.snapshot(position);
      host.hidden = snapshot === null;
      if (snapshot === null) return;
      const kind = panelKind(snapshot, isOfPopulation);
      host.dataset.panel = kind;
      try {
        change(kind).show(position, snapshot);
      } catch {
        change('table').show(position, snapshot); // a state that only resembles what the panel knows
      }
      host.classList.toggle('nasedu-stale', snapshot.stale);
      drawTable(extra, kind === 'table' ? [] : otherFields(snapshot, kind));
    },
  };
}
