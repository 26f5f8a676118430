/** Says inline why a document cannot be drawn. */

import { DocumentError } from '../documents';
import { element } from './elements';

export function showProblem(host: HTMLElement, error: unknown, source = ''): void {
  const reason = error instanceof DocumentError ? error.message : `unexpected: ${error instanceof Error ? error.message : String(error)}`;
  const message = element('p', 'nasedu-error', `This cannot be drawn: ${reason}`);
  message.setAttribute('role', 'alert');
  const parts: Node[] = [message];
  if (source) parts.push(element('pre', 'nasedu-source', source.slice(0, 2000)));
  host.append(element('div', 'nasedu', ...parts));
}
