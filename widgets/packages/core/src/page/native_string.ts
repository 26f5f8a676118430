/** The native string under a drawing, in pieces: those that a decision made can be walked along by keyboard. */

import type { Diagram, Piece } from '../documents';
import { operationStyle } from '../palette';
import { element, keepKeys, setAttributes } from './elements';

/** Whether there is more to show than the text. */
export function hasPieces(pieces: readonly Piece[]): boolean {
  return pieces.some(({ decision }) => decision !== null);
}

/**
 * Fills `host` with the pieces. Tab reaches one of them, the arrow keys, Home and End go on from there.
 *
 * Each is underlined in the colour of what the drawing shows for its decision.
 */
export function writePieces(host: HTMLElement, pieces: readonly Piece[], diagram: Diagram): void {
  host.replaceChildren(...pieces.map(({ text, decision }) => pieceOf(text, decision, diagram)));
  const first = host.querySelector('[data-decision]');
  if (first) setAttributes(first, { tabindex: 0 });
}

function pieceOf(text: string, decision: number | null, diagram: Diagram): HTMLSpanElement {
  const piece = element('span', decision === null ? '' : 'nasedu-piece', text);
  if (decision === null) return piece;
  setAttributes(keepKeys(piece), { 'data-decision': decision, role: 'button', tabindex: -1, 'aria-pressed': 'false' });
  const operation = operationOf(decision, diagram);
  if (operation !== '') {
    const style = operationStyle(operation);
    piece.style.setProperty('--n-op', style.color);
    piece.style.setProperty('--n-op-dark', style.dark);
  }
  return piece;
}

function operationOf(decision: number, { nodes, edges }: Diagram): string {
  const edge = edges.find((one) => one.decision === decision);
  return edge?.operation ?? nodes.find((one) => one.decision === decision)?.label ?? '';
}

/** Moves the focus along the pieces; says whether the key was one that does. */
export function walkPieces(host: HTMLElement, from: Element, key: string): boolean {
  const all = [...host.querySelectorAll<HTMLElement>('[data-decision]')];
  const here = all.indexOf(from as HTMLElement);
  const steps: Record<string, number> = { ArrowRight: here + 1, ArrowDown: here + 1, ArrowLeft: here - 1, ArrowUp: here - 1, Home: 0, End: all.length - 1 };
  const next = steps[key];
  if (here < 0 || next === undefined) return false;
  const target = all[Math.min(Math.max(next, 0), all.length - 1)]!;
  all[here]!.tabIndex = -1;
  target.tabIndex = 0;
  target.focus();
  return true;
}
