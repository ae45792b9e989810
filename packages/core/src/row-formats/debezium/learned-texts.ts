/**
 * Learns from the messages of one partition how numbers come as text. Every column that holds
 * strings teaches, whether or not a definition names it. So what was learned depends on the log
 * alone, and a column that is declared later reads as if it had been declared from the start.
 */
import { ESCAPED, type JsonMembers } from "./json-text.ts";
import {
  nextEncoding,
  readAs,
  type TextEncoding,
  type TextForm,
  textForm,
} from "./text-encoding.ts";
import { isMeta } from "./unwrapped.ts";

/** What was learned, as plain JSON: the texts of columns, by their names in the database. */
export type StoredTexts = Readonly<Record<string, string>>;

/** The columns that teach. No table of PostgreSQL or MySQL has more. */
const MAX_COLUMNS = 4_096;
/** The longest name of a column that teaches. */
const MAX_NAME = 128;
/** Longer texts teach nothing: 38 digits have at most 24 characters of base64. */
const MAX_TEXT = 128;
/** The changes from digits to base64 and back that are followed. Each makes another format. */
const MAX_SWITCHES = 4;

interface LearnedColumn {
  readonly name: string;
  texts: TextEncoding;
  switches: number;
}

/** What the texts of each column were, up to the current message. */
export class LearnedTexts {
  /** The columns of which something is known. */
  private readonly columns = new Map<string, LearnedColumn>();
  /** The columns by their places in the last row: messages of a topic repeat them. */
  private readonly places: LearnedColumn[] = [];
  private format: string | null = null;

  constructor(stored: StoredTexts = {}) {
    for (const [name, text] of Object.entries(stored)) {
      const [texts, switches] = text.split(" ") as [TextEncoding, string?];
      this.columns.set(name, { name, texts, switches: Number(switches ?? 0) });
    }
  }

  /** Learns from a row without a schema. A value that `isMarker` names is no text of the column. */
  learn(members: JsonMembers, isMarker: (json: string) => boolean): void {
    const { length } = members;
    for (let i = 0; i < length; i++) {
      if (!members.isString(i)) continue;
      const name = members.key(i);
      let column = this.places[i];
      if (column?.name !== name)
        this.places[i] = column = this.columns.get(name) ?? unknownColumn(name);
      if (!mayTeach(column.texts, members, i)) continue;
      const form = textForm(members.string(i));
      if (form !== "other" && !isMarker(members.raw(i))) this.add(i, column, form);
    }
  }

  /** Says what the column's texts were. */
  textsOf(column: string): TextEncoding {
    return this.columns.get(column)?.texts ?? "nothing";
  }

  /** Gives how the columns are read, as JSON text; empty: nothing is known. */
  readings(): string {
    this.format ??=
      this.columns.size === 0
        ? ""
        : JSON.stringify(byName([...this.columns.values()], ({ texts }) => readAs(texts)));
    return this.format;
  }

  /** Gives what was learned as plain JSON; undefined: nothing. */
  stored(): StoredTexts | undefined {
    if (this.columns.size === 0) return undefined;
    return byName([...this.columns.values()], ({ texts, switches }) =>
      switches > 0 ? `${texts} ${switches}` : texts,
    );
  }

  private add(i: number, found: LearnedColumn, form: TextForm): void {
    const { name } = found;
    // another place may have taught the column since
    let column = found.texts === "nothing" ? this.columns.get(name) : found;
    if (column === undefined) {
      if (this.columns.size >= MAX_COLUMNS || name.length > MAX_NAME || isMeta(name)) return;
      column = found;
      this.columns.set(name, column);
    }
    this.places[i] = column;
    const next = nextEncoding(column.texts, form);
    if (next === column.texts) return;
    if (isClear(column.texts) && isClear(next)) column.switches++;
    column.texts = column.switches > MAX_SWITCHES ? "unclear" : next;
    this.format = null;
  }
}

const unknownColumn = (name: string): LearnedColumn => ({ name, texts: "nothing", switches: 0 });

/** The texts by name, in the order of the names: the order of learning says nothing. */
const byName = (
  columns: LearnedColumn[],
  textOf: (column: LearnedColumn) => string,
): Record<string, string> =>
  Object.fromEntries(
    columns
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((column) => [column.name, textOf(column)] as const),
  );

const isClear = (texts: TextEncoding): boolean => texts === "digits" || texts === "base64";

/** What the characters of a text allow it to be. */
const NUMERAL = 1;
const BASE64 = 2;
const ALLOWED = new Uint8Array(128);
for (const character of "0123456789+-.eE") ALLOWED[character.charCodeAt(0)]! |= NUMERAL;
for (let code = 0; code < 128; code++)
  if (/[A-Za-z0-9+/=]/.test(String.fromCharCode(code))) ALLOWED[code]! |= BASE64;

const EQUALS = 0x3d;
const PLUS = 0x2b;
const MINUS = 0x2d;
/** The lengths of NaN, Infinity, positive_infinity and their like, by their first characters. */
const SPECIAL_LENGTHS: Readonly<Record<number, readonly number[]>> = Object.fromEntries(
  (
    [
      ["nN", [3, 17]],
      ["iI", [3, 8]],
      ["pP", [17]],
      ["+-", [4, 9]],
    ] as const
  ).flatMap(([characters, lengths]) =>
    [...characters].map((one) => [one.charCodeAt(0), lengths] as const),
  ),
);

/** Says quickly whether a string can change what is known. Most strings cannot. */
function mayTeach(texts: TextEncoding, members: JsonMembers, i: number): boolean {
  const length = members.size(i) - 2;
  if (members.kind(i) === ESCAPED)
    return texts !== "unclear" && length <= 6 * MAX_TEXT && /\\[u/]/.test(members.raw(i));
  if (length === 0 || length > MAX_TEXT || texts === "unclear") return false;
  if (texts !== "base64" && members.charOf(i, length - 1) === EQUALS) return true;
  if (texts === "digits") return false;
  const first = members.charOf(i, 0);
  if (SPECIAL_LENGTHS[first]?.includes(length) === true) return true;
  let wanted = 0;
  if ((first >= 0x30 && first <= 0x39) || first === PLUS || first === MINUS) wanted |= NUMERAL;
  if (texts === "nothing" && length % 4 === 0) wanted |= BASE64;
  for (let at = 0; wanted > 0 && at < length; at++) wanted &= ALLOWED[members.charOf(i, at)] ?? 0;
  return wanted > 0;
}
