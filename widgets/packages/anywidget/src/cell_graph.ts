import type { AnyModel } from '@anywidget/types';
import { mountArchitecture, readArchitecture, showProblem, type ArchitectureView } from '@nasedu/core';
import { listen } from './listen';

/** The traits of nasedu.widgets.CellGraph. */
export interface CellGraphState {
  kind: 'cell_graph';
  document: Record<string, unknown>;
  selected: number;
}

export function renderCellGraph(model: AnyModel<CellGraphState>, el: HTMLElement): () => void {
  let view: ArchitectureView | null = null;
  const onSelect = (decision: number): void => {
    model.set('selected', decision);
    model.save_changes();
  };
  const draw = (): void => {
    try {
      const architecture = readArchitecture(model.get('document'));
      if (view) view.show(architecture);
      else {
        el.replaceChildren();
        view = mountArchitecture(el, architecture, onSelect);
      }
      view.select(model.get('selected'));
    } catch (error) {
      view?.destroy();
      view = null;
      el.replaceChildren();
      showProblem(el, error);
    }
  };
  draw();
  const stops = [
    listen(model, 'change:document', draw),
    listen(model, 'change:selected', () => view?.select(model.get('selected'))),
    () => view?.destroy(),
  ];
  return () => stops.forEach((stop) => stop());
}
