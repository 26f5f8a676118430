/** The picture of a player: the architecture of the moment, and its parent with what was changed. */

import type { DiagramEdge, HistoryEvent } from '../documents';
import { differences, layOut, type Picture } from '../geometry';
import { changedDecisions } from '../population';
import { numberOf, numbersOf } from '../states';
import { clean } from '../text';
import type { Shown, Timeline } from '../timeline';
import { describe, drawPicture, edgeName, type Marks } from './drawing';
import { element, scroller, shape, write } from './elements';

export interface Stage {
  element: HTMLElement;
  show(position: number): void;
}

const SMALL = 40;
const MOST_ROOM = { width: 600, height: 700 };

export function makeStage(timeline: Timeline): Stage {
  const child = shape('svg');
  const name = element('figcaption', 'nasedu-name');
  const figure = element('figure', 'nasedu-child', scroller('nasedu-canvas', 'Architecture', child), name);
  const parents = element('div', 'nasedu-parents');
  const title = element('h4', '', 'Derived: what the search would return now');
  const box = element('section', 'nasedu-stage', title, parents, figure);
  let drawn: Shown | null = null;
  let room = { width: 0, height: 0 };
  let widest = 0;
  return {
    element: box,
    show(position) {
      const shown = timeline.shown(position);
      box.hidden = shown === null;
      if (shown === null || (drawn !== null && drawn.event === shown.event && drawn.stale === shown.stale)) return;
      drawn = shown;
      title.hidden = shown.event.event !== 'step';
      const family = parentsOf(timeline, shown.event);
      const marks = family[0]?.diagram ? marksOf(shown, family) : undefined;
      const natural = layOut(shown.diagram, { widest });
      widest = Math.max(widest, natural.unit);
      // The picture never shrinks, so that what is below keeps its place from step to step.
      const picture = padded(natural, room);
      room = { width: Math.min(picture.width, MOST_ROOM.width), height: Math.min(picture.height, MOST_ROOM.height) };
      drawPicture(child, picture, describe(picture, shown.event.name || 'architecture'), marks);
      box.classList.toggle('nasedu-stale', shown.stale);
      write(name, captionOf(shown));
      name.title = clean(shown.event.name);
      parents.replaceChildren(...family.flatMap((parent, index) => drawParent(parent, shown, index, family.length)));
    },
  };
}

/** The picture with empty space on the right, above and below, where it is smaller than the room. */
function padded(picture: Picture, room: { width: number; height: number }): Picture {
  const height = Math.max(picture.height, room.height);
  return { ...picture, top: picture.top - (height - picture.height) / 2, width: Math.max(picture.width, room.width), height };
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

/** What is new in the child: the edges of the changed decisions, and the nodes that no parent has. */
function marksOf({ diagram, event }: Shown, family: readonly HistoryEvent[]): Marks {
  const changed = changedDecisions(event.state ?? {});
  const isChanged = (edge: DiagramEdge): boolean => edge.decision !== null && changed.has(edge.decision);
  const news = family.flatMap((parent) => (parent.diagram ? [differences(parent.diagram, diagram)] : []));
  // A decision may choose where edges come from: then it is on no edge, but the edges differ.
  const rewired = news.length === 1 ? news[0]!.edges : new Set<number>();
  const isNew = (id: string): boolean => news.length > 0 && news.every(({ nodes }) => nodes.has(id));
  return {
    edges: new Set(diagram.edges.flatMap((edge, index) => (isChanged(edge) || rewired.has(index) ? [index] : []))),
    nodes: new Set(diagram.nodes.flatMap(({ id, decision }) => (isNew(id) || (decision !== null && changed.has(decision)) ? [id] : []))),
  };
}

/** A parent, small: what was changed afterwards is marked, and what another parent gave is faded. */
function drawParent(parent: HistoryEvent, shown: Shown, index: number, count: number): HTMLElement[] {
  if (!parent.diagram) return [];
  const state = shown.event.state ?? {};
  const changed = changedDecisions(state);
  const cut = numberOf(state.cut);
  const isGiven = (decision: number): boolean => cut === null || count < 2 || (index === 0 ? decision < cut : decision >= cut);
  const { nodes, edges } = differences(shown.diagram, parent.diagram);
  const marks = {
    edges: count === 1 ? edges : new Set<number>(),
    nodes: count === 1 ? nodes : new Set<string>(),
    faded: new Set<number>(),
    fadedNodes: new Set(parent.diagram.nodes.flatMap(({ id, decision }) => (decision === null || isGiven(decision) ? [] : [id]))),
  };
  parent.diagram.edges.forEach(({ decision }, edge) => {
    if (decision === null) return;
    if (!isGiven(decision)) marks.faded.add(edge);
    else if (changed.has(decision)) marks.edges.add(edge);
  });
  const picture = layOut(parent.diagram, { unit: SMALL, compact: true });
  const svg = shape('svg');
  drawPicture(svg, picture, describe(picture, `parent: trial ${parent.number}`), marks);
  const names = [...marks.edges].map((edge) => edgeName(parent.diagram!.edges[edge]!, picture));
  const caption = element('figcaption', 'nasedu-name', `parent: trial ${parent.number}`);
  for (const name of names.slice(0, 3)) caption.append(element('br'), name);
  return [element('figure', 'nasedu-parent', scroller('nasedu-canvas', `Parent: trial ${parent.number}`, svg), caption)];
}
