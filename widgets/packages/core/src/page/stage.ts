/** The picture of a player: the architecture of the moment, and its parent with what was changed. */

import type { Diagram, HistoryEvent } from '../documents';
import { differences, layOut } from '../geometry';
import { changedDecisions } from '../population';
import { numbersOf } from '../states';
import type { Shown, Timeline } from '../timeline';
import { describe, drawPicture, type Marks } from './drawing';
import { element, scroller, shape, write } from './elements';

export interface Stage {
  element: HTMLElement;
  show(position: number): void;
}

const SMALL = 58;

export function makeStage(timeline: Timeline): Stage {
  const child = shape('svg');
  const name = element('figcaption', 'nasedu-name');
  const figure = element('figure', 'nasedu-child', scroller('nasedu-canvas', 'Architecture', child), name);
  const parents = element('div', 'nasedu-parents');
  const box = element('section', 'nasedu-stage', parents, figure);
  let drawn: Shown | null = null;
  let tallest = 0;
  return {
    element: box,
    show(position) {
      const shown = timeline.shown(position);
      box.hidden = shown === null;
      if (shown === null || (drawn !== null && drawn.event === shown.event && drawn.stale === shown.stale)) return;
      drawn = shown;
      const family = parentsOf(timeline, shown.event);
      const marks = family[0]?.diagram ? marksOf(shown, family) : undefined;
      const picture = layOut(shown.diagram);
      drawPicture(child, picture, describe(picture, shown.event.name || 'architecture'), marks);
      box.classList.toggle('nasedu-stale', shown.stale);
      write(name, captionOf(shown));
      parents.replaceChildren(...family.flatMap((parent) => drawParent(parent, shown)));
      // The stage never shrinks, so that what is below keeps its place from step to step.
      tallest = Math.max(tallest, picture.height);
      figure.style.minHeight = `${Math.min(tallest, 700) + 30}px`;
    },
  };
}

function captionOf({ event, stale }: Shown): string {
  const what = event.event === 'step' ? `derived after step ${event.number}` : `architecture ${event.number}`;
  const note = stale ? ' (the latest one recorded with a picture)' : '';
  return `${what}${note}: ${event.name}`;
}

function parentsOf(timeline: Timeline, event: HistoryEvent): HistoryEvent[] {
  const state = event.state ?? {};
  const numbers = [...numbersOf(state.parents), ...numbersOf([state.parent])];
  return [...new Set(numbers)].flatMap((number) => timeline.ask(number) ?? []).slice(0, 2);
}

/** What is new in the child: the edges of the changed decisions, and whatever no parent has. */
function marksOf({ diagram, event }: Shown, family: readonly HistoryEvent[]): Marks {
  const changed = changedDecisions(event.state ?? {});
  const edges = new Set(diagram.edges.flatMap((edge, index) => (edge.decision !== null && changed.has(edge.decision) ? [index] : [])));
  const news = family.flatMap((parent) => (parent.diagram ? [differences(parent.diagram, diagram)] : []));
  const isNew = (has: (one: (typeof news)[number]) => boolean): boolean => news.length > 0 && news.every(has);
  diagram.edges.forEach((_, index) => {
    if (isNew((one) => one.edges.has(index))) edges.add(index);
  });
  const nodes = new Set(diagram.nodes.map((node) => node.id).filter((id) => isNew((one) => one.nodes.has(id))));
  return { edges, nodes };
}

function drawParent(parent: HistoryEvent, shown: Shown): HTMLElement[] {
  if (!parent.diagram) return [];
  const diagram: Diagram = parent.diagram;
  const { edges, nodes } = differences(shown.diagram, diagram);
  const changed = changedDecisions(shown.event.state ?? {});
  diagram.edges.forEach((edge, index) => {
    if (edge.decision !== null && changed.has(edge.decision)) edges.add(index);
  });
  const picture = layOut(diagram, { unit: SMALL, isLabelled: (_, index) => edges.has(index) });
  const svg = shape('svg');
  drawPicture(svg, picture, describe(picture, `parent: trial ${parent.number}`), { edges, nodes });
  const caption = element('figcaption', 'nasedu-name', `parent: trial ${parent.number}`);
  return [element('figure', 'nasedu-parent', scroller('nasedu-canvas', 'Parent', svg), caption)];
}
