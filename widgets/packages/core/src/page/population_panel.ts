/** The population: members in order of age, their scores, the tournament, and the line from parent to child. */

import { marksIn, populationAt, type Mark, type Member, type Population } from '../population';
import { heightOf, rangeOf, scoreName, scoreSeries, type Range } from '../series';
import type { Timeline } from '../timeline';
import { makeFrame } from './chart';
import { element, shape, write } from './elements';
import type { Panel } from './panel';

const LEGEND: [Mark, string][] = [
  ['member', 'member'],
  ['drawn', 'drawn for the tournament'],
  ['parent', 'parent'],
  ['child', 'child'],
  ['leaves', 'leaves'],
];

export function populationPanel(timeline: Timeline): Panel {
  const title = element('h4', '', 'Population');
  const links = shape('svg', { viewBox: '0 0 100 100', preserveAspectRatio: 'none', 'aria-hidden': 'true' });
  const dots = element('div', 'nasedu-dots');
  const frame = makeFrame();
  frame.area.append(links, dots);
  frame.below.append(element('div', 'nasedu-ages', element('span', '', '← oldest'), element('span', '', 'youngest →')));
  const legend = element('ul', 'nasedu-legend');
  const entries = LEGEND.map(([mark, text]) => {
    const dot = element('span', mark === 'leaves' ? 'nasedu-dot nasedu-leaves' : `nasedu-dot nasedu-role-${mark}`);
    return { mark, entry: element('li', '', dot, text) };
  });
  legend.append(...entries.map(({ entry }) => entry));
  let range: Range = { low: 0, high: 1 };
  const grow = (): void => {
    range = rangeOf([scoreSeries(timeline).scores]);
    frame.scale(range, scoreName(timeline));
    const marks = marksIn(timeline);
    for (const { mark, entry } of entries) entry.hidden = !marks.has(mark);
  };
  grow();
  return {
    element: element('section', 'nasedu-panel nasedu-population', title, frame.element, legend),
    grow,
    show(position) {
      const population = populationAt(timeline, position);
      write(title, headline(population));
      frame.element.setAttribute('aria-label', spoken(population));
      drawMembers(dots, links, population, range);
    },
  };
}

function headline({ members, generation }: Population): string {
  const size = members.filter(({ role, score, leaves }) => !leaves && (role !== 'child' || score !== null)).length;
  return `Population: ${size} in order of age${generation === null ? '' : `, generation ${generation}`}`;
}

function spoken({ members, parents, child }: Population): string {
  const drawn = members.filter(({ role }) => role === 'drawn' || role === 'parent').map(({ number }) => number);
  const family = parents.length ? `; trial ${child} descends from ${parents.join(' and ')}` : '';
  return `Population of ${members.length}${drawn.length ? `; drawn: trials ${drawn.join(', ')}` : ''}${family}`;
}

interface Spot {
  member: Member;
  x: number;
  y: number;
}

function drawMembers(dots: HTMLElement, links: SVGSVGElement, population: Population, range: Range): void {
  const { members, parents, places } = population;
  const parentScore = members.find(({ number }) => number === parents[0])?.score ?? null;
  const spots = members.map((member, index): Spot => {
    const score = member.score ?? (member.role === 'child' ? parentScore : null);
    return { member, x: (100 * (index + 0.5)) / places, y: heightOf(score ?? range.low, range) };
  });
  dots.replaceChildren(...spots.map(drawSpot));
  const child = spots.find(({ member }) => member.role === 'child');
  const family = parents.flatMap((number) => spots.find(({ member }) => member.number === number) ?? []);
  links.replaceChildren(
    ...(child ? family.map((parent) => shape('path', { class: 'nasedu-link', d: linkPath(parent, child) })) : []),
  );
}

function linkPath(parent: Spot, child: Spot): string {
  const lift = Math.max(-2, Math.min(parent.y, child.y) - 18); // within the frame
  return `M${parent.x} ${parent.y}C${parent.x} ${lift} ${child.x} ${lift} ${child.x} ${child.y}`;
}

function drawSpot({ member, x, y }: Spot): HTMLElement {
  const dot = element('span', `nasedu-dot nasedu-role-${member.role}`);
  dot.classList.toggle('nasedu-unknown', member.score === null);
  dot.classList.toggle('nasedu-leaves', member.leaves);
  dot.style.left = `${x}%`;
  dot.style.top = `${y}%`;
  dot.dataset.number = String(member.number);
  if (member.role === 'parent' || member.role === 'child') {
    // Under the dot, where no line is; beside it at the bottom.
    const side = y < 75 ? '' : x > 85 ? ' nasedu-before' : ' nasedu-after';
    dot.append(element('span', `nasedu-number${side}`, String(member.number)));
  }
  return dot;
}
