/** Panels: what a strategy thinks, one file each. All are made once and shown at any position. */

import type { PanelKind } from '../states';
import type { Snapshot, Timeline } from '../timeline';
import { controllerPanel } from './controller_panel';
import { populationPanel } from './population_panel';
import { supernetPanel } from './supernet_panel';
import { tablePanel } from './table_panel';

export interface Panel {
  element: HTMLElement;
  show(position: number, snapshot: Snapshot): void;
  /** The history has grown. */
  grow(): void;
}

const MAKERS: Record<PanelKind, (timeline: Timeline) => Panel> = {
  population: populationPanel,
  controller: controllerPanel,
  supernet: supernetPanel,
  table: tablePanel,
};

export function makePanel(kind: PanelKind, timeline: Timeline): Panel {
  return MAKERS[kind](timeline);
}
