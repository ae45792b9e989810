/**
 * Finds columns that are declared as text, and whose values are numbers or truth values in the log.
 * As texts they compare by their characters: "10" comes before "9".
 */
import { JsonMembers } from "../row-formats/debezium/json-text.ts";
import type { Change } from "../spi.ts";
import type { SourceMismatch } from "./source-fit.ts";

/** A column that is declared as text. */
export interface TextColumn {
  readonly name: string;
  readonly database: string;
  /** Its index among the columns of the source. */
  readonly index: number;
}

/** The rows that are looked at. */
const MAX_ROWS = 1_000;
/** The values that must agree before a column is told. */
const MIN_VALUES = 50;
/** The longest text of a value in an example, in characters. */
const EXAMPLE_LIMIT = 40;

interface Seen {
  kind: "number" | "boolean" | "text";
  values: number;
  /** The digits after the point, for a number that the log says as text. */
  scale: number | null;
  readonly first: Pick<Change, "topic" | "partition" | "offset">;
  readonly example: string;
}

/** Looks at the first rows of a source. */
export class TextColumns {
  private readonly members = new JsonMembers();
  private readonly columns: readonly TextColumn[];
  private readonly seen = new Map<TextColumn, Seen>();
  private rows = 0;

  constructor(columns: readonly TextColumn[]) {
    this.columns = columns;
  }

  add(change: Change): void {
    const row = change.logged?.row;
    if (this.columns.length === 0 || row == null || change.values === null) return;
    if (this.rows >= MAX_ROWS || this.members.scan(row, 0) < 0) return;
    this.rows++;
    for (const column of this.columns) {
      const value = change.values[column.index];
      const at = this.members.find(column.database);
      if (at < 0 || typeof value !== "string") continue;
      const { kind, scale } = kindOf(this.members.raw(at), value);
      const seen = this.seen.get(column);
      if (seen === undefined) {
        const { topic, partition, offset } = change;
        const first = { topic, partition, offset };
        this.seen.set(column, { kind, values: 1, scale, first, example: value });
        continue;
      }
      seen.values++;
      if (seen.kind !== kind || seen.scale !== scale) seen.kind = "text";
    }
  }

  /** Lists the columns of which every value so far is a number or a truth value. */
  mismatches(source: string): readonly SourceMismatch[] {
    return [...this.seen].flatMap(([{ name, database }, { kind, values, first, example }]) => {
      if (kind === "text" || values < MIN_VALUES) return [];
      const shown =
        example.length <= EXAMPLE_LIMIT ? example : `${example.slice(0, EXAMPLE_LIMIT)}…`;
      const message =
        `column "${database}" is declared as string, and every value is ` +
        (kind === "number"
          ? `a number, such as ${shown}; as texts, "10" comes before "9"`
          : "true or false") +
        "; declare the column by what it holds";
      const reason = kind === "number" ? "TEXT_OF_NUMBERS" : "TEXT_OF_BOOLEANS";
      return [
        { source, column: name, reason, rows: values, of: values, first: { ...first, message } },
      ];
    });
  }
}

/** What a value is in the log. `raw` is its JSON, `text` what was read of it. */
function kindOf(raw: string, text: string): Pick<Seen, "kind" | "scale"> {
  if (raw === "true" || raw === "false") return { kind: "boolean", scale: null };
  if (/^[-\d]/.test(raw)) return { kind: "number", scale: null };
  // A decimal with a schema is base64 in the log, and digits in the row.
  if (raw !== JSON.stringify(text) && /^-?\d+(\.\d+)?$/.test(text))
    return { kind: "number", scale: null };
  // A column of decimals as text has one scale.
  const digits = /^-?\d+\.(\d+)$/.exec(text);
  return digits === null
    ? { kind: "text", scale: null }
    : { kind: "number", scale: digits[1]!.length };
}
