/**
 * Reads the records of a CSV file (RFC 4180). As in PostgreSQL, an empty field is null, and "" is
 * the empty text.
 */
import { TidemarkError } from "@tidemark/core";
import { fileText, type FileCodes } from "./text-file.ts";

export interface CsvRecord {
  readonly fields: readonly (string | null)[];
  /** The line in which the record begins, counted from 1. */
  readonly line: number;
}

/** Yields batches of some thousand records. Empty lines are skipped. */
export async function* csvRecords(
  file: string,
  codes: FileCodes,
  signal?: AbortSignal,
): AsyncGenerator<readonly CsvRecord[]> {
  let rest = "";
  let line = 1;
  for await (const text of fileText(file, codes, signal)) {
    const taken = recordsIn(rest + text, line, false, file, codes);
    rest = taken.rest;
    line = taken.line;
    if (taken.records.length > 0) yield taken.records;
  }
  const { records } = recordsIn(rest, line, true, file, codes);
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
        throw invalid(`the ${i + 1}. column has no name; the first line must name the columns`);
      return name;
    });
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined)
      throw invalid(`two columns are called "${twice}"; name them differently`);
    if (names.length === 1 && /[;\t]/.test(names[0]!))
      throw invalid(
        `there is one column, "${names[0]!.replaceAll("\t", "\\t")}"; separate columns by commas`,
      );
    return names;
  }
  throw invalid("the file is empty; the first line must name the columns");
}

interface Taken {
  readonly records: readonly CsvRecord[];
  /** The text after the last complete record, and the line in which that text begins. */
  readonly rest: string;
  readonly line: number;
}

function recordsIn(
  text: string,
  firstLine: number,
  last: boolean,
  file: string,
  codes: FileCodes,
): Taken {
  const records: CsvRecord[] = [];
  let line = firstLine;
  let at = 0;
  for (;;) {
    const start = at;
    const startLine = line;
    const fields: (string | null)[] = [];
    const whole = ((): boolean => {
      for (;;) {
        if (text.charCodeAt(at) === 0x22) {
          // "
          let value = "";
          for (let from = at + 1; ;) {
            const end = text.indexOf('"', from);
            // A quote at the end of the text may be the first of a pair.
            if (end < 0 || (end === text.length - 1 && !last)) {
              if (last)
                throw new TidemarkError(
                  codes.invalid,
                  `${file}:${startLine}: a quoted field does not end; close it with "`,
                );
              return false;
            }
            value += text.slice(from, end);
            if (text.charCodeAt(end + 1) !== 0x22) {
              at = end + 1;
              break;
            }
            value += '"';
            from = end + 2;
          }
          for (let i = value.indexOf("\n"); i >= 0; i = value.indexOf("\n", i + 1)) line++;
          fields.push(value);
        } else {
          let end = at;
          for (
            let c = text.charCodeAt(end);
            end < text.length && c !== 0x2c && c !== 0x0a && c !== 0x0d;
            c = text.charCodeAt(++end)
          ) {
            if (c === 0x22)
              throw new TidemarkError(
                codes.invalid,
                `${file}:${line}: a quote stands within a field that does not begin with one; ` +
                  "write the field in quotes, and each quote in it twice",
              );
          }
          fields.push(end === at ? null : text.slice(at, end));
          at = end;
        }
        if (at >= text.length) return last;
        const c = text.charCodeAt(at);
        if (c === 0x2c) {
          at++;
          continue;
        } // ,
        if (c === 0x0a) {
          at++;
          return true;
        }
        if (c !== 0x0d)
          throw new TidemarkError(
            codes.invalid,
            `${file}:${line}: after a quoted field there is ${JSON.stringify(text[at])}; ` +
              "separate fields by commas, and write a quote within a field twice",
          );
        if (at + 1 >= text.length) {
          at++;
          return last;
        }
        at += text.charCodeAt(at + 1) === 0x0a ? 2 : 1;
        return true;
      }
    })();
    if (!whole || start >= text.length)
      return { records, rest: text.slice(start), line: startLine };
    line++;
    if (fields.length > 1 || fields[0] !== null) records.push({ fields, line: startLine });
    if (at >= text.length) return { records, rest: "", line };
  }
}
