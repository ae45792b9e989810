/**
 * Converts the physical values of a Parquet column to the values of a vector. No value takes a
 * detour through a double or a Date that would lose digits.
 */
import { isAscii, isUtf8 } from "node:buffer";
import type { DecodedArray, SchemaElement } from "hyparquet";
import { isAscending } from "@tidemark/core/internal/columns";
import { isJson, isUuid } from "./elements.ts";
import { parquetTypes, type ScalarColumn } from "./parquet-types.ts";
import { farTimeConverter, isTimeOfDay, timeOfDayTexts } from "./times.ts";

export type ColumnValues =
  | Int32Array
  | Float64Array
  | BigInt64Array
  | Uint8Array
  | bigint[]
  | Uint8Array[];

export interface Converter {
  convert(values: DecodedArray): ColumnValues;
  /** For strings only: converts the plain values of a page, without a view of each. */
  readonly convertPlain: ((page: Uint8Array, count: number) => ColumnValues) | null;
  /** For strings only: the dictionary so far, which the codes index. */
  readonly dictionary: string[];
}

/**
 * Returns the converter of a column; null if the element cannot be read as this column. With `far`
 * it gives times of any size as bigints. `onFloored` is called for times with nanoseconds.
 */
export function converterFor(
  column: ScalarColumn,
  element: SchemaElement,
  far: boolean,
  onFloored: () => void = () => undefined,
): Converter | null {
  const dictionary: string[] = [];
  if ((column.type === "string" || column.type === "json") && element.type === "BYTE_ARRAY") {
    const intern = stringInterner(dictionary, isJson(element) ? checkJson : null);
    return {
      convert: (values) => intern(Array.from(values as Uint8Array[], utf8Text)),
      convertPlain: (page, count) => intern(plainTexts(page, count)),
      dictionary,
    };
  }
  const texts = column.type === "string" ? textsOf(element) : null;
  if (texts !== null) {
    const intern = stringInterner(dictionary, null);
    return { convert: (values) => intern(texts(values)), convertPlain: null, dictionary };
  }
  const convert =
    far && column.type === "timestamp"
      ? farTimeConverter(element)
      : parquetTypes[column.type].conversion(element, column, onFloored);
  return convert === null ? null : { convert, convertPlain: null, dictionary };
}

/** Converts values that are carried as text; null if these are none. */
function textsOf(element: SchemaElement): ((values: DecodedArray) => string[]) | null {
  if (isUuid(element)) return (values) => Array.from(values as Uint8Array[], uuidText);
  return isTimeOfDay(element) ? timeOfDayTexts(element) : null;
}

/** A value that is in the file and cannot be carried. */
export class ValueError extends Error {}

function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function checkJson(text: string): void {
  try {
    JSON.parse(text);
  } catch {
    throw new ValueError(`has ${JSON.stringify(text.slice(0, 40))}, which is no JSON`);
  }
}

/**
 * Gives each distinct string one code. A dictionary page brings every string once, and most of them
 * in their order, which is cheaper to see than to look each one up. A plain page repeats strings.
 */
function stringInterner(
  dictionary: string[],
  check: ((text: string) => void) | null,
): (texts: readonly string[]) => Int32Array {
  let known: Map<string, number> | null = null;
  return (texts) => {
    const codes = new Int32Array(texts.length);
    if (dictionary.length === 0 && isAscending(texts)) {
      for (let i = 0; i < codes.length; i++) {
        check?.(texts[i]!);
        codes[i] = dictionary.push(texts[i]!) - 1;
      }
      return codes;
    }
    known ??= new Map(dictionary.map((text, code) => [text, code]));
    for (let i = 0; i < codes.length; i++) {
      const text = texts[i]!;
      let code = known.get(text);
      if (code === undefined) {
        check?.(text);
        code = dictionary.length;
        dictionary.push(text);
        known.set(text, code);
      }
      codes[i] = code;
    }
    return codes;
  };
}

function utf8Text(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  return checkedText(text, bytes);
}

/** Refuses bytes that are no UTF-8, because two different values would become one text. */
function checkedText(text: string, bytes: Uint8Array): string {
  if (text.includes("\uFFFD") && !isUtf8(bytes))
    throw new ValueError(`has the text ${JSON.stringify(text.slice(0, 40))}, which is no UTF-8`);
  return text;
}

/**
 * The length below which V8 copies a substring. A longer substring would keep the whole string in
 * memory.
 */
const MAX_COPIED_LENGTH = 13;

/** Reads texts that are preceded by their lengths. */
function plainTexts(page: Uint8Array, count: number): readonly string[] {
  const bytes = Buffer.from(page.buffer, page.byteOffset, page.byteLength);
  const whole = isAscii(bytes) ? bytes.toString("latin1") : null;
  if (!(count >= 0)) throw new Error(`a page claims ${count} texts`);
  const texts: string[] = [];
  for (let i = 0, at = 0; i < count; i++) {
    if (at + 4 > bytes.length)
      throw new Error(`${count} texts do not fit in ${bytes.length} bytes`);
    const from = at + 4;
    at = from + bytes.readUInt32LE(at);
    if (at > bytes.length) throw new Error(`${count} texts do not fit in ${bytes.length} bytes`);
    texts.push(
      whole !== null && at - from < MAX_COPIED_LENGTH
        ? whole.slice(from, at)
        : checkedText(bytes.toString("utf8", from, at), bytes.subarray(from, at)),
    );
  }
  return texts;
}
