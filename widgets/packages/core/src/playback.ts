/** The state of playing a history, as a value; the page shows it and the kernel is asked when it says so. */

export interface Playback {
  /** How many events have happened: 0 is the beginning. */
  position: number;
  /** How many events are known. */
  length: number;
  /** Whether Python can go on after the last known event. */
  live: boolean;
  playing: boolean;
  /** Whether Python has been asked for the next events and has not answered. */
  waiting: boolean;
}

export function begin(length: number, live: boolean, position: number): Playback {
  return { position: clamp(position, length), length, live, playing: false, waiting: false };
}

const clamp = (position: number, length: number): number => Math.max(0, Math.min(length, Math.round(position) || 0));

export function moveTo(playback: Playback, position: number): Playback {
  return { ...playback, position: clamp(position, playback.length), playing: false };
}

/** Moves by a number of events. One forward at the end of a live search asks for more. */
export function moveBy(playback: Playback, by: number): Playback {
  if (by > 0 && playback.position === playback.length && playback.live) return { ...playback, playing: false, waiting: true };
  return moveTo(playback, playback.position + by);
}

export function toggle(playback: Playback): Playback {
  if (playback.playing) return { ...playback, playing: false };
  const atEnd = playback.position === playback.length && !playback.live;
  return { ...playback, position: atEnd ? 0 : playback.position, playing: playback.length > 0 || playback.live };
}

/** One beat of playing: the next event, or a question to Python, or the end. */
export function tick(playback: Playback): Playback {
  if (!playback.playing || playback.waiting) return playback;
  if (playback.position < playback.length) return { ...playback, position: playback.position + 1 };
  return playback.live ? { ...playback, waiting: true } : { ...playback, playing: false };
}

/** Python has answered: there are more events, of which the first is shown if they were waited for. */
export function arrived(playback: Playback, length: number, live: boolean): Playback {
  const step = playback.waiting && playback.position === playback.length ? 1 : 0;
  return { ...playback, length, live, waiting: false, position: clamp(playback.position + step, length) };
}

/** Python could not go on. Its answer, with the events until then, still comes. */
export function failed(playback: Playback): Playback {
  return { ...playback, playing: false };
}

/** What a key does, or null if it is none of ours. */
export function keyed(playback: Playback, key: string, shift: boolean): Playback | null {
  const page = Math.max(10, Math.round(playback.length / 20));
  switch (key) {
    case 'ArrowRight':
      return moveBy(playback, shift ? 10 : 1);
    case 'ArrowLeft':
      return moveBy(playback, shift ? -10 : -1);
    case 'PageUp':
      return moveBy(playback, page);
    case 'PageDown':
      return moveBy(playback, -page);
    case 'Home':
      return moveTo(playback, 0);
    case 'End':
      return moveTo(playback, playback.length);
    case ' ':
    case 'k':
      return toggle(playback);
    default:
      return null;
  }
}
