/** The notebook widgets. One module serves both; the trait `kind` says which one a model is. */

import type { AnyWidget } from '@anywidget/types';
import '../../core/style/nasedu.css';
import { renderCellGraph, type CellGraphState } from './cell_graph';
import { renderPlayer, type PlayerState } from './player';

type State = CellGraphState | PlayerState;

const widget: AnyWidget<State> = {
  render({ model, el, signal }) {
    const render = (model.get('kind') === 'player' ? renderPlayer : renderCellGraph) as (
      model: unknown,
      el: HTMLElement,
    ) => () => void;
    const stop = render(model, el);
    // anywidget 0.11 gives a signal; older hosts call what is returned.
    if (!signal) return stop;
    signal.addEventListener('abort', stop, { once: true });
    return undefined;
  },
};

export default widget;
