/**
 * Reads the two documents: an architecture (`*.nas.json`) and a history (`*.nas.jsonl`).
 *
 * Everything that comes in is checked here, once, so that the rest may trust its types.
 * A document may come from anybody: no text of it is ever used as markup or code.
 */

export interface DiagramNode {
  id: string;
  x: number;
  y: number;
  label: string;
  kind: string;
  group: string;
  decision: number | null;
}

export interface DiagramEdge {
  source: string;
  target: string;
  operation: string;
  decision: number | null;
  bend: number;
}

export interface Diagram {
  nodes: DiagramNode[];
  edges: DiagramEdge[];
}

export interface Decision {
  name: string;
  options: string[];
}

export interface Space {
  name: string;
  decisions: Decision[];
}

/** A part of a native string, and the decision that it tells. */
export interface Piece {
  text: string;
  decision: number | null;
}

export interface Architecture {
  name: string;
  /** What the name is made of, in order. */
  pieces: Piece[];
  space: Space;
  diagram: Diagram;
  metrics: Record<string, unknown>;
}

export type State = Record<string, unknown>;

export interface HistoryEvent {
  event: 'ask' | 'trial' | 'step';
  number: number;
  choices: number[] | null;
  name: string;
  diagram: Diagram | null;
  score: number | null;
  accuracy: number | null;
  epochs: number | null;
  failure: string | null;
  state: State | null;
}

export interface Supernet {
  operations: string[];
  cells: { name: string; diagram: Diagram }[];
}

export interface Header {
  space: Space;
  strategy: { name: string; settings: Record<string, unknown> };
  evaluator: string;
  supernet: Supernet | null;
}

export interface History {
  header: Header;
  events: HistoryEvent[];
}

/** Something in a document is not as the format says; the message says what, where, and what must hold. */
export class DocumentError extends Error {}

const MOST_NODES = 2000;
const MOST_EDGES = 10000;
const MOST_PIECES = 5000;

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function object(value: unknown, what: string): Record<string, unknown> {
  if (!isObject(value)) throw new DocumentError(`${what} must be an object; got ${show(value)}.`);
  return value;
}

function list(value: unknown, what: string, most = Infinity): unknown[] {
  if (!Array.isArray(value)) throw new DocumentError(`${what} must be a list; got ${show(value)}.`);
  if (value.length > most) throw new DocumentError(`${what} must have at most ${most} entries to be drawn; got ${value.length}.`);
  return value;
}

function finite(value: unknown, what: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new DocumentError(`${what} must be a number; got ${show(value)}.`);
  return value;
}

function text(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new DocumentError(`${what} must be a string; got ${show(value)}.`);
  return value;
}

const optionalNumber = (value: unknown, what: string): number | null => (value == null ? null : finite(value, what));
const optionalText = (value: unknown, what: string): string => (value == null ? '' : text(value, what));

export function readDiagram(value: unknown): Diagram {
  const document = object(value, 'diagram');
  const nodes = list(document.nodes, 'diagram.nodes', MOST_NODES).map(readNode);
  const known = new Set(nodes.map((node) => node.id));
  if (known.size < nodes.length) throw new DocumentError('the nodes of a diagram must have different ids.');
  const edges = list(document.edges, 'diagram.edges', MOST_EDGES).map((edge, index) => readEdge(edge, index, known));
  return { nodes, edges };
}

function readNode(value: unknown, index: number): DiagramNode {
  const what = `diagram.nodes[${index}]`;
  const node = object(value, what);
  return {
    id: text(node.id, `${what}.id`),
    x: finite(node.x, `${what}.x`),
    y: finite(node.y, `${what}.y`),
    label: text(node.label, `${what}.label`),
    kind: node.kind == null ? 'node' : text(node.kind, `${what}.kind`),
    group: optionalText(node.group, `${what}.group`),
    decision: optionalNumber(node.decision, `${what}.decision`),
  };
}

function readEdge(value: unknown, index: number, known: ReadonlySet<string>): DiagramEdge {
  const what = `diagram.edges[${index}]`;
  const edge = object(value, what);
  const source = text(edge.source, `${what}.source`);
  const target = text(edge.target, `${what}.target`);
  for (const id of [source, target]) {
    if (!known.has(id)) throw new DocumentError(`${what} must join nodes of the diagram; there is no node ${show(id)}.`);
  }
  return {
    source,
    target,
    operation: optionalText(edge.operation, `${what}.operation`),
    decision: optionalNumber(edge.decision, `${what}.decision`),
    bend: optionalNumber(edge.bend, `${what}.bend`) ?? 0,
  };
}

function readSpace(value: unknown): Space {
  const space = object(value, 'space');
  const decisions = list(space.decisions, 'space.decisions').map((entry, index) => {
    const what = `space.decisions[${index}]`;
    const decision = object(entry, what);
    return { name: text(decision.name, `${what}.name`), options: list(decision.options, `${what}.options`).map(String) };
  });
  return { name: text(space.name, 'space.name'), decisions };
}

function checkFormat(document: Record<string, unknown>, name: string): void {
  if (document.format !== name) throw new DocumentError(`this is not a ${name} document: its format is ${show(document.format)}.`);
  if (document.version !== 1) {
    throw new DocumentError(`version ${show(document.version)} of ${name} is unknown here; this viewer reads version 1. Update nasedu.`);
  }
}

/** Reads an architecture: the text of a `*.nas.json` file, or the object that a notebook output holds. */
export function readArchitecture(value: unknown): Architecture {
  const document = object(typeof value === 'string' ? parse(value, 'the file') : value, 'the document');
  checkFormat(document, 'nasedu.architecture');
  const name = optionalText(document.name, 'name');
  return {
    name,
    pieces: readPieces(document.pieces, name),
    space: readSpace(document.space),
    diagram: readDiagram(document.diagram),
    metrics: isObject(document.metrics) ? document.metrics : {},
  };
}

/** A name whose pieces are not given, are not those of this name, or are too many to point at, is one piece. */
function readPieces(value: unknown, name: string): Piece[] {
  const given = value == null ? [] : list(value, 'pieces');
  const pieces = (given.length > MOST_PIECES ? [] : given).map((entry, index) => {
    const [part, decision] = list(entry, `pieces[${index}]`);
    return { text: text(part, `the text of pieces[${index}]`), decision: optionalNumber(decision, `the decision of pieces[${index}]`) };
  });
  return pieces.map((piece) => piece.text).join('') === name ? pieces : [{ text: name, decision: null }];
}

function parse(source: string, what: string): unknown {
  try {
    return JSON.parse(source);
  } catch (error) {
    throw new DocumentError(`${what} is not JSON: ${(error as Error).message}`);
  }
}

/** Splits into lines with their numbers; a last line that was cut off while being written is left out. */
function wholeLines(source: string, firstNumber: number): { number: number; value: unknown }[] {
  const lines = source.split('\n');
  const found: { number: number; value: unknown }[] = [];
  lines.forEach((line, index) => {
    if (line.trim() === '') return;
    const number = firstNumber + index;
    try {
      found.push({ number, value: parse(line, `line ${number}`) });
    } catch (error) {
      if (index < lines.length - 1) throw error;
    }
  });
  return found;
}

function atLine<T>(number: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof DocumentError) throw new DocumentError(`line ${number}: ${error.message}`);
    throw error;
  }
}

/** Reads a history: a header line, then one line per event. */
export function readHistory(source: unknown): History {
  const whole = Array.isArray(source) ? source.join('') : text(source, 'a history');
  const [first, ...rest] = wholeLines(whole, 1);
  if (first === undefined) throw new DocumentError('a history must begin with a header line; the file is empty.');
  const header = atLine(first.number, () => readHeader(first.value));
  return { header, events: rest.map(({ number, value }) => atLine(number, () => readEvent(value))) };
}

/** Reads more events of a history whose header is known. */
export function readEvents(source: string): HistoryEvent[] {
  return wholeLines(source, 1).map(({ number, value }) => atLine(number, () => readEvent(value)));
}

function readHeader(value: unknown): Header {
  const document = object(value, 'the header');
  checkFormat(document, 'nasedu.history');
  const strategy = isObject(document.strategy) ? document.strategy : {};
  const evaluator = isObject(document.evaluator) ? document.evaluator : {};
  return {
    space: readSpace(document.space),
    strategy: {
      name: optionalText(strategy.name, 'strategy.name'),
      settings: isObject(strategy.settings) ? strategy.settings : {},
    },
    evaluator: typeof evaluator.name === 'string' ? evaluator.name : '',
    supernet: isObject(document.supernet) ? readSupernet(document.supernet) : null,
  };
}

function readSupernet(document: Record<string, unknown>): Supernet {
  const cells = list(document.cells, 'supernet.cells').map((entry, index) => {
    const cell = object(entry, `supernet.cells[${index}]`);
    return { name: text(cell.name, `supernet.cells[${index}].name`), diagram: readDiagram(cell.diagram) };
  });
  return { operations: list(document.operations, 'supernet.operations').map(String), cells };
}

function readEvent(value: unknown): HistoryEvent {
  const row = object(value, 'an event');
  if (row.event !== 'ask' && row.event !== 'trial' && row.event !== 'step') {
    throw new DocumentError(`event must be "ask", "trial" or "step"; got ${show(row.event)}.`);
  }
  return {
    event: row.event,
    number: finite(row.number, 'number'),
    choices: row.choices == null ? null : list(row.choices, 'choices').map((choice) => finite(choice, 'a choice')),
    name: optionalText(row.name, 'name'),
    diagram: row.diagram == null ? null : readDiagram(row.diagram),
    score: optionalNumber(row.score, 'score'),
    accuracy: optionalNumber(row.accuracy, 'accuracy'),
    epochs: optionalNumber(row.epochs, 'epochs'),
    failure: row.failure == null ? null : text(row.failure, 'failure'),
    state: isObject(row.state) ? row.state : null,
  };
}
