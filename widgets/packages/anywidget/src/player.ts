import type { AnyModel } from '@anywidget/types';
import { mountPlayer, readHistory, showProblem, type Player } from '@nasedu/core';
import { listen } from './listen';

/** The traits of nasedu.widgets.Player. */
export interface PlayerState {
  kind: 'player';
  text: string;
  position: number;
  live: boolean;
  error: string;
}

/** What Python sends: events after a step, or after a view has said how many it knows. */
interface EventsMessage {
  type: 'events';
  first: number;
  text: string;
  live: boolean;
}

/** Milliseconds between two reports of the position to Python while dragging or playing. */
const REPORT_EVERY = 125;

export function renderPlayer(model: AnyModel<PlayerState>, el: HTMLElement): () => void {
  let player: Player;
  const report = reporter(model);
  try {
    player = mountPlayer(el, readHistory(model.get('text')), {
      position: model.get('position'),
      live: model.get('live'),
      onMove: report.move,
      onWant: () => model.send({ type: 'step', first: player.length }),
    });
  } catch (error) {
    showProblem(el, error);
    return () => el.replaceChildren();
  }
  // Events in between were for another view of this model: ask for what is missing.
  const catchUp = (): void => model.send({ type: 'since', first: player.length });
  const receive = (message: EventsMessage): void => {
    if (message.type !== 'events') return;
    if (message.first > player.length) catchUp();
    else player.append(message.first, message.text, message.live);
  };
  const stops = [
    listen(model, 'msg:custom', receive),
    listen(model, 'change:position', () => player.moveTo(model.get('position'))),
    listen(model, 'change:error', () => player.fail(model.get('error'))),
    report.stop,
    () => player.destroy(),
  ];
  player.fail(model.get('error'));
  if (model.get('live')) catchUp(); // the search may have gone on since the model was made
  return () => stops.forEach((stop) => stop());
}

/** Tells Python the position: at once at the end of a gesture, a few times a second during one. */
function reporter(model: AnyModel<PlayerState>): { move(position: number, final: boolean): void; stop(): void } {
  let timer = 0;
  const flush = (): void => {
    clearTimeout(timer);
    timer = 0;
    model.save_changes();
  };
  return {
    move(position, final) {
      if (model.get('position') !== position) model.set('position', position);
      else if (!timer) return;
      if (final) flush();
      else timer ||= window.setTimeout(flush, REPORT_EVERY);
    },
    stop: () => clearTimeout(timer),
  };
}
