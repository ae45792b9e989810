/**
 * Reads the records of a CSV file (RFC 4180). As in PostgreSQL, an empty field is null, and "" is
 * the empty text. The work grows with the file's length alone, and a record has a largest size.
 */
import { TidemarkError } from "@tidemark/core";
import { fileText, MAX_LINE_LENGTH, nulProblem, type FileCodes } from "@tidemark/core/internal";

export interface CsvRecord {
  readonly fields: readonly (string | null)[];
  /** The line in which the record begins, counted from 1. */
  readonly line: number;
}

const MAX_FIELDS = 65_536;

/** Yields batches of some thousand records. Empty lines are skipped. */
export async function* csvRecords(
  file: string,
  codes: FileCodes,
  signal?: AbortSignal,
): AsyncGenerator<readonly CsvRecord[]> {
  const parser = csvParser(file, codes);
  for await (const text of fileText(file, codes, signal)) {
    const records = parser.push(text);
    if (records.length > 0) yield records;
  }
  const records = parser.end();
  if (records.length > 0) yield records;
}

/**
 * Reads the column names in the first record.
 * @throws codes.invalid when the file has no record, or a name comes twice.
 */
export async function csvHeader(
  file: string,
  codes: FileCodes,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const invalid = (what: string): TidemarkError =>
    new TidemarkError(codes.invalid, `${file}:1: ${what}`);
  for await (const [first] of csvRecords(file, codes, signal)) {
    const names = first!.fields.map((name, i) => {
      if (name === null || name === "")
        throw invalid(`the ${i + 1}. column has no name; ${NAME_COLUMNS}`);
      return name;
    });
    const known = new Map<string, number>();
    names.forEach((name, i) => {
      const before = known.get(name);
      known.set(name, i);
      if (before === undefined) return;
      // A file without names begins with a row, whose values no error shows.
      throw looksLikeValue(name)
        ? invalid(`the columns ${before + 1} and ${i + 1} have one name; ${NAME_COLUMNS}`)
        : invalid(`two columns are called "${name}"; name them differently`);
    });
    if (names.length === 1 && /[;\t|]/.test(names[0]!))
      throw invalid(
        `there is one column, "${names[0]!.replaceAll("\t", "\\t")}"; separate columns by commas`,
      );
    return names;
  }
  throw invalid(`the file is empty; ${NAME_COLUMNS}`);
}

/** The next step for a file without names. */
export const NAME_COLUMNS = "the first line must name the columns";

/** Whether a name of the first line may be the value of a row, in a file without names. */
export function looksLikeValue(name: string): boolean {
  return /^[\d.+-]/.test(name);
}

/** The values of a record by column. A record with more or fewer fields is refused. */
export function fieldsOf(
  { fields, line }: CsvRecord,
  names: readonly string[],
  file: string,
  codes: FileCodes,
): readonly (string | null)[] {
  if (fields.length === names.length) return fields;
  throw new TidemarkError(
    codes.invalid,
    `${file}:${line}: there ${fields.length === 1 ? "is 1 field" : `are ${fields.length} fields`}` +
      `, and the first line names ${names.length} columns; repair the line, or put fields with ` +
      "commas in quotes",
  );
}

/** What the next character continues. `quote`: it follows a quote within a quoted field. */
type Place = "field" | "plain" | "quoted" | "quote" | "after CR";

interface CsvParser {
  /** Takes the next text and returns the records that are complete. */
  push(text: string): readonly CsvRecord[];
  /** Takes the end of the text. */
  end(): readonly CsvRecord[];
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const LF = 0x0a;
const CR = 0x0d;

function csvParser(file: string, codes: FileCodes): CsvParser {
  let records: CsvRecord[] = [];
  let fields: (string | null)[] = [];
  /** The text of the field in progress, from this and from earlier pieces. */
  let pieces: string[] = [];
  let place: Place = "field";
  let line = 1;
  let recordLine = 1;
  let size = 0;

  const invalid = (at: number, what: string): TidemarkError =>
    new TidemarkError(codes.invalid, `${file}:${at}: ${what}`);
  const take = (piece: string): void => {
    size += piece.length;
    if (size > MAX_LINE_LENGTH)
      throw invalid(
        recordLine,
        `the record that begins here has more than ${MAX_LINE_LENGTH} characters; ` +
          'see whether a quoted field does not end, and close it with "',
      );
    if (piece !== "") pieces.push(piece);
  };
  const endField = (quoted: boolean): void => {
    const value = pieces.length === 1 ? pieces[0]! : pieces.join("");
    fields.push(value === "" && !quoted ? null : value);
    if (fields.length > MAX_FIELDS)
      throw invalid(recordLine, `the record has more than ${MAX_FIELDS} fields; repair the line`);
    pieces = [];
  };
  const endRecord = (): void => {
    if (fields.length > 1 || fields[0] !== null) records.push({ fields, line: recordLine });
    fields = [];
    size = 0;
    line++;
    recordLine = line;
  };
  /** Takes the character behind a field. */
  const endFieldAt = (c: number, quoted: boolean): void => {
    endField(quoted);
    place = c === CR ? "after CR" : "field";
    if (c !== COMMA) endRecord();
  };

  return {
    push(text) {
      if (text.includes("\0")) throw nulProblem(text, line, file, codes);
      for (let at = 0; at < text.length;) {
        switch (place) {
          case "after CR":
            if (text.charCodeAt(at) === LF) at++;
            place = "field";
            break;
          case "field":
            place = text.charCodeAt(at) === QUOTE ? "quoted" : "plain";
            if (place === "quoted") at++;
            break;
          case "plain": {
            let end = at;
            let c = text.charCodeAt(end);
            while (end < text.length && c !== COMMA && c !== LF && c !== CR && c !== QUOTE)
              c = text.charCodeAt(++end);
            if (end > at) take(text.slice(at, end));
            at = end;
            if (end === text.length) break;
            if (c === QUOTE)
              throw invalid(
                line,
                "a quote stands within a field that does not begin with one; " +
                  "write the field in quotes, and each quote in it twice",
              );
            endFieldAt(c, false);
            at++;
            break;
          }
          case "quoted": {
            const found = text.indexOf('"', at);
            const end = found < 0 ? text.length : found;
            const piece = text.slice(at, end);
            for (let i = piece.indexOf("\n"); i >= 0; i = piece.indexOf("\n", i + 1)) line++;
            take(piece);
            if (found >= 0) place = "quote";
            at = end + 1;
            break;
          }
          case "quote": {
            const c = text.charCodeAt(at);
            if (c === QUOTE) {
              take('"');
              place = "quoted";
            } else if (c === COMMA || c === LF || c === CR) endFieldAt(c, true);
            else
              throw invalid(
                line,
                "after a quoted field there is more text; " +
                  "separate fields by commas, and write a quote within a field twice",
              );
            at++;
            break;
          }
        }
      }
      const complete = records;
      records = [];
      return complete;
    },
    end() {
      if (place === "quoted")
        throw invalid(recordLine, 'a quoted field does not end; close it with "');
      if (place === "quote") endFieldAt(LF, true);
      else if (place === "plain" || fields.length > 0) endFieldAt(LF, false);
      return records;
    },
  };
}
