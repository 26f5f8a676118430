/** What every panel is: made once, and shown at any position. */

import type { Snapshot } from '../timeline';

export interface Panel {
  element: HTMLElement;
  show(position: number, snapshot: Snapshot): void;
  /** The history has grown. */
  grow(): void;
}
