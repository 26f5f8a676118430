/** Colours and dashes by the name of an operation. Their one source is nasedu/plots/palette.json. */

import { operations, rules } from '../../../../nasedu/plots/palette.json';

export interface OperationStyle {
  color: string;
  dark: string;
  dash: number[];
}

/** Name of the palette entry for an operation: its own, or that of the first rule whose words it contains. */
export function paletteName(operation: string): string {
  if (Object.hasOwn(operations, operation)) return operation;
  const name = operation.toLowerCase();
  return rules.find((rule) => rule.words.every((word) => name.includes(word)))?.like ?? 'other';
}

export function operationStyle(operation: string): OperationStyle {
  return operations[paletteName(operation) as keyof typeof operations];
}

/** The dash pattern in pixels for a line of this width. */
export function dashes(style: OperationStyle, width: number): string {
  return style.dash.map((part) => Math.round(part * width * 10) / 10).join(' ');
}
