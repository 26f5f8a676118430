/** Panels: what a strategy thinks, one file each. */

import type { PanelKind } from '../states';
import type { Timeline } from '../timeline';
import { controllerPanel } from './controller_panel';
import type { Panel } from './panel';
import { populationPanel } from './population_panel';
import { supernetPanel } from './supernet_panel';
import { tablePanel } from './table_panel';

const MAKERS: Record<PanelKind, (timeline: Timeline) => Panel> = {
  population: populationPanel,
  controller: controllerPanel,
  supernet: supernetPanel,
  table: tablePanel,
};

export function makePanel(kind: PanelKind, timeline: Timeline): Panel {
  return MAKERS[kind](timeline);
}
