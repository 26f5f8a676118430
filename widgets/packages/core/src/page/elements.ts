/** Making elements. Text goes in as text and never as markup. */

import { clean, labelParts } from '../text';

const SVG = 'http://www.w3.org/2000/svg';

type Attributes = Record<string, string | number>;

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = '',
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children.map((child) => (typeof child === 'string' ? clean(child) : child)));
  return made;
}

export function shape<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Node[]
): SVGElementTagNameMap[K] {
  const made = document.createElementNS(SVG, tag);
  setAttributes(made, attributes);
  made.append(...children);
  return made;
}

export function setAttributes(target: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) target.setAttribute(name, String(value));
}

/** Writes only what has changed, so that a step costs little and a screen reader is not woken for nothing. */
export function write(target: Element, text: string): void {
  const cleaned = clean(text);
  if (target.textContent !== cleaned) target.textContent = cleaned;
}

export function svgText(text: string, attributes: Attributes): SVGTextElement {
  return shape('text', attributes, document.createTextNode(clean(text)));
}

/** A label of a node as text in a picture, its indices set lower. */
export function svgLabel(label: string, attributes: Attributes): SVGTextElement {
  const spans = labelParts(clean(label)).map((part, index) => {
    const span = shape('tspan', index % 2 ? { 'font-size': '85%', dy: 4 } : index ? { dy: -4 } : {});
    span.textContent = part;
    return span;
  });
  return shape('text', attributes, ...spans);
}

/** The same for text outside pictures. */
export function htmlLabel(label: string): Node[] {
  return labelParts(clean(label)).map((part, index) => (index % 2 ? element('sub', '', part) : document.createTextNode(part)));
}

/** Marks an element that can have the focus: JupyterLab's shortcuts (d d deletes a cell) must not reach it. */
export function keepKeys<T extends HTMLElement | SVGElement>(target: T): T {
  target.setAttribute('data-lm-suppress-shortcuts', 'true');
  return target;
}

/** A box that scrolls sideways when its content is too wide, reachable by keyboard. */
export function scroller(className: string, label: string, ...children: Node[]): HTMLDivElement {
  const box = keepKeys(element('div', `nasedu-scroller ${className}`, ...children));
  box.tabIndex = 0;
  setAttributes(box, { role: 'group', 'aria-label': label });
  return box;
}
