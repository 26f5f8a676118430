/** The buttons and the slider of a player. */

import { element, keepKeys, setAttributes, shape } from './elements';

// Paths and not characters: many machines have no font for the symbols of a tape deck.
const ICONS = {
  first: 'M1 3h2v10H1zM9 3v10L3.5 8zM15 3v10L9.5 8z',
  back: 'M11 3h2v10h-2zM9.5 3v10L2.5 8z',
  play: 'M4 2v12l9-6z',
  pause: 'M4 3h3v10H4zM9 3h3v10H9z',
  forward: 'M3 3h2v10H3zM6.5 3v10l7-5z',
  last: 'M13 3h2v10h-2zM7 3v10l5.5-5zM1 3v10l5.5-5z',
};

/** How a key is called in a tooltip. */
const KEYS: Record<string, string> = { ArrowLeft: '←', ArrowRight: '→' };

export type Icon = keyof typeof ICONS;

export function setIcon(button: HTMLElement, icon: Icon): void {
  const path = shape('path', { d: ICONS[icon], fill: 'currentColor' });
  button.replaceChildren(shape('svg', { viewBox: '0 0 16 16', width: 16, height: 16, 'aria-hidden': 'true' }, path));
}

/** Says what a button does: to a screen reader, and with its key in the tooltip. */
export function nameButton(button: HTMLElement, label: string): void {
  const key = button.getAttribute('aria-keyshortcuts') ?? '';
  button.setAttribute('aria-label', label);
  button.title = `${label} (${KEYS[key] ?? key})`;
}

function iconButton(icon: Icon, label: string, key: string): HTMLButtonElement {
  const button = keepKeys(element('button', `nasedu-button nasedu-${icon}`));
  button.type = 'button';
  button.setAttribute('aria-keyshortcuts', key);
  nameButton(button, label);
  setIcon(button, icon);
  return button;
}

export interface Transport {
  element: HTMLElement;
  first: HTMLButtonElement;
  back: HTMLButtonElement;
  play: HTMLButtonElement;
  forward: HTMLButtonElement;
  last: HTMLButtonElement;
  range: HTMLInputElement;
  speed: HTMLSelectElement;
  count: HTMLOutputElement;
}

const SPEEDS: [string, string][] = [
  ['1', '1 event/s'],
  ['4', '4 events/s'],
  ['15', '15 events/s'],
  ['60', '60 events/s'],
];

export function makeTransport(): Transport {
  const range = keepKeys(element('input', 'nasedu-range'));
  setAttributes(range, { type: 'range', min: 0, step: 1, 'aria-label': 'Event' });
  const speed = keepKeys(element('select', 'nasedu-speed'));
  speed.setAttribute('aria-label', 'Speed of playing');
  for (const [value, name] of SPEEDS) {
    const option = element('option', '', name);
    option.value = value;
    option.selected = value === '4';
    speed.append(option);
  }
  const parts = {
    first: iconButton('first', 'First event', 'Home'),
    back: iconButton('back', 'One event back', 'ArrowLeft'),
    play: iconButton('play', 'Play', 'k'),
    forward: iconButton('forward', 'One event forward', 'ArrowRight'),
    last: iconButton('last', 'Last event', 'End'),
    range,
    speed,
    count: element('output', 'nasedu-count'),
  };
  const bar = element('div', 'nasedu-transport', parts.first, parts.back, parts.play, parts.forward, parts.last, range, parts.count, speed);
  setAttributes(bar, { role: 'toolbar', 'aria-label': 'Playing' });
  return { element: bar, ...parts };
}
