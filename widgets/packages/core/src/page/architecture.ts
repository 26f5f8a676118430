/** One architecture on the page: a picture and its native string, in which the same decision lights up. */

import type { Architecture, Diagram } from '../documents';
import { layOut, type Picture } from '../geometry';
import { clean, formatValue, plainLabel } from '../text';
import { describe, drawPicture, edgeName } from './drawing';
import { element, keepKeys, scroller, setAttributes, shape, write } from './elements';
import { hasPieces, walkPieces, writePieces } from './native_string';

export interface ArchitectureView {
  show(architecture: Architecture): void;
  select(decision: number): void;
  destroy(): void;
}

/**
 * Draws an architecture into `host`, its string below.
 *
 * What the pointer or the focus is on is lit in both, and what is clicked, or chosen with Enter, stays marked in both.
 * Without `onSelect` Tab reaches the string alone; with it, every edge and node that a decision chose.
 */
export function mountArchitecture(host: HTMLElement, architecture: Architecture, onSelect?: (decision: number) => void): ArchitectureView {
  const svg = shape('svg');
  const string = element('div', 'nasedu-string');
  const caption = element('figcaption', 'nasedu-name');
  const figure = element('figure', 'nasedu nasedu-architecture', scroller('nasedu-canvas', 'Architecture', svg), string, caption);
  setAttributes(string, { role: 'group', 'aria-label': 'Native string; arrow keys walk along it' });
  host.append(figure);
  let selected = -1;

  const select = (decision: number): void => {
    selected = decision;
    figure.dataset.selected = String(decision);
    for (const part of figure.querySelectorAll('[data-decision]')) {
      const isSelected = part.getAttribute('data-decision') === String(decision);
      part.classList.toggle('nasedu-selected', isSelected);
      if (part.getAttribute('role') === 'button') part.setAttribute('aria-pressed', String(isSelected));
    }
  };
  const light = (target: EventTarget | null): void => {
    const lit = partOf(target)?.getAttribute('data-decision');
    for (const part of figure.querySelectorAll('[data-decision]')) {
      part.classList.toggle('nasedu-lit', part.getAttribute('data-decision') === lit);
    }
  };
  const choose = (target: EventTarget | null): void => {
    const decision = Number(partOf(target)?.getAttribute('data-decision') ?? -1);
    select(decision === selected ? -1 : decision);
    onSelect?.(selected);
  };
  const onKey = (event: KeyboardEvent): void => {
    const part = partOf(event.target);
    if (part === null) return;
    if (event.key === 'Enter' || event.key === ' ') choose(part);
    else if (!walkPieces(string, part, event.key)) return;
    event.preventDefault();
    event.stopPropagation();
  };
  const show = (next: Architecture): void => {
    const picture = layOut(next.diagram);
    drawPicture(svg, picture, describe(picture, next.name || next.space.name));
    figure.setAttribute('aria-label', `Architecture of ${next.space.name}`);
    string.hidden = !hasPieces(next.pieces);
    writePieces(string, string.hidden ? [] : next.pieces, next.diagram);
    write(caption, captionOf(next, string.hidden ? next.name : ''));
    if (onSelect) makeSelectable(svg, next.diagram, picture);
    select(selected);
  };
  const controller = new AbortController();
  const { signal } = controller;
  for (const area of [svg, string]) area.addEventListener('click', (event) => choose((event as MouseEvent).target), { signal });
  figure.addEventListener('keydown', onKey, { signal });
  for (const kind of ['pointerover', 'focusin']) figure.addEventListener(kind, (event) => light(event.target), { signal });
  for (const kind of ['pointerleave', 'focusout']) figure.addEventListener(kind, () => light(document.activeElement), { signal });
  show(architecture);
  return {
    show,
    select,
    destroy() {
      controller.abort();
      figure.remove();
    },
  };
}

function partOf(target: EventTarget | null): Element | null {
  return target instanceof Element ? target.closest('.nasedu-architecture [data-decision]') : null;
}

function captionOf({ space, metrics }: Architecture, name: string): string {
  const known = Object.entries(metrics).map(([key, value]) => `${key.replaceAll('_', ' ')} ${formatValue(value)}`);
  return [space.name, name, ...known].filter((part) => part !== '').join(' · ');
}

function makeSelectable(svg: SVGSVGElement, { nodes, edges }: Diagram, picture: Picture): void {
  svg.setAttribute('role', 'group');
  const names = new Map(nodes.map((node) => [clean(node.id), `${node.id}: ${plainLabel(node.label)}`]));
  for (const part of svg.querySelectorAll<SVGGElement>('.nasedu-edge[data-decision], .nasedu-node[data-decision]')) {
    const { edge, node } = part.dataset;
    const name = edge === undefined ? (names.get(node!) ?? '') : edgeName(edges[Number(edge)]!, picture);
    keepKeys(part);
    setAttributes(part, { tabindex: 0, role: 'button', 'aria-label': clean(name) });
  }
}
