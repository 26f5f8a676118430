/** One architecture on the page: a picture that can be clicked, and walked along by keyboard. */

import type { Architecture, Diagram } from '../documents';
import { layOut, type Picture } from '../geometry';
import { clean, formatValue, plainLabel } from '../text';
import { describe, drawPicture, edgeName } from './drawing';
import { element, keepKeys, scroller, setAttributes, shape, write } from './elements';

export interface ArchitectureView {
  show(architecture: Architecture): void;
  select(decision: number): void;
  destroy(): void;
}

/**
 * Draws an architecture into `host`.
 *
 * Without `onSelect` it is a picture; with it, the edges and nodes that a decision chose can be selected.
 */
export function mountArchitecture(host: HTMLElement, architecture: Architecture, onSelect?: (decision: number) => void): ArchitectureView {
  const svg = shape('svg');
  const caption = element('figcaption', 'nasedu-name');
  const figure = element('figure', 'nasedu nasedu-architecture', scroller('nasedu-canvas', 'Architecture', svg), caption);
  host.append(figure);
  let selected = -1;

  const select = (decision: number): void => {
    selected = decision;
    figure.dataset.selected = String(decision);
    for (const part of svg.querySelectorAll('[data-decision]')) {
      const isSelected = part.getAttribute('data-decision') === String(decision);
      part.classList.toggle('nasedu-selected', isSelected);
      if (onSelect) part.setAttribute('aria-pressed', String(isSelected));
    }
  };
  const choose = (target: EventTarget | null): void => {
    const part = target instanceof Element ? target.closest('[data-decision]') : null;
    const decision = part ? Number(part.getAttribute('data-decision')) : -1;
    select(decision === selected ? -1 : decision);
    onSelect?.(selected);
  };
  const show = (next: Architecture): void => {
    const picture = layOut(next.diagram);
    drawPicture(svg, picture, describe(picture, next.name || next.space.name));
    figure.setAttribute('aria-label', `Architecture of ${next.space.name}`);
    write(caption, captionOf(next));
    if (onSelect) makeSelectable(svg, next.diagram, picture);
    select(selected);
  };
  const controller = new AbortController();
  if (onSelect) {
    svg.addEventListener('click', (event) => choose(event.target), { signal: controller.signal });
    svg.addEventListener('keydown', (event) => onKey(event, choose), { signal: controller.signal });
  }
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

function captionOf({ name, space, metrics }: Architecture): string {
  const known = Object.entries(metrics).map(([key, value]) => `${key.replaceAll('_', ' ')} ${formatValue(value)}`);
  return [space.name, name, ...known].filter((part) => part !== '').join(' · ');
}

function makeSelectable(svg: SVGSVGElement, { nodes, edges }: Diagram, picture: Picture): void {
  svg.setAttribute('role', 'group');
  const names = new Map(nodes.map((node) => [clean(node.id), `${node.id}: ${plainLabel(node.label)}`]));
  for (const part of svg.querySelectorAll<SVGGElement>('[data-decision]')) {
    const { edge, node } = part.dataset;
    const name = edge === undefined ? (names.get(node!) ?? '') : edgeName(edges[Number(edge)]!, picture);
    keepKeys(part);
    setAttributes(part, { tabindex: 0, role: 'button', 'aria-label': clean(name) });
  }
}

function onKey(event: KeyboardEvent, choose: (target: EventTarget | null) => void): void {
  if (event.key !== 'Enter' && event.key !== ' ') return;
  choose(event.target);
  event.preventDefault();
  event.stopPropagation();
}
