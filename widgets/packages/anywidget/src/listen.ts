import type { AnyModel } from '@anywidget/types';

/** Subscribes, and returns what ends the subscription. */
export function listen(model: Pick<AnyModel, 'on' | 'off'>, name: string, callback: (...values: any[]) => void): () => void {
  model.on(name, callback);
  return () => model.off(name, callback);
}
