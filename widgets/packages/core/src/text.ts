/** Text for people: widths without a page to measure on, numbers, and names from strangers. */

// Control characters, and those that turn the direction of writing, could make a name look like another.
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

export function clean(text: string): string {
  return text.replace(UNSAFE, '');
}

const NARROW = /[ijlI.,:;|!'`()[\] ]/;
const WIDE = /[mwMW@%\u2190-\u21ff]/;

/** The width of a text in a sans-serif font, estimated on the generous side. */
export function textWidth(text: string, size: number): number {
  let width = 0;
  for (const letter of text) {
    if (NARROW.test(letter)) width += 0.34;
    else if (WIDE.test(letter)) width += 0.92;
    else width += letter > '\u2e80' ? 1.05 : 0.59;
  }
  return width * size;
}

/** A label such as "c_{k-2}" in parts; every second one, from the second on, is an index set lower. */
export function labelParts(label: string): string[] {
  return label.split(/_\{([^{}]*)\}/);
}

export function plainLabel(label: string): string {
  return labelParts(label).join('');
}

export function shorten(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/** A number as short as three or four significant digits allow. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e7) return String(value);
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(2);
  return size >= 1 ? String(Number(value.toPrecision(4))) : value.toFixed(3);
}

/** Any JSON value in one short line. */
export function formatValue(value: unknown): string {
  if (typeof value === 'number') return formatNumber(value);
  if (typeof value === 'string') return shorten(value, 200);
  if (Array.isArray(value) && value.every((entry) => typeof entry === 'number')) {
    return shorten(value.map((entry) => formatNumber(entry as number)).join(', '), 200);
  }
  return shorten(JSON.stringify(value) ?? '', 200);
}
