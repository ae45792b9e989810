/** The layout of texts: codes into a dictionary. */
import type { Value } from "../../specs.ts";
import type { VectorOf } from "../vector.ts";
import type { VectorLayout } from "../vector-layout.ts";
import { GrowingArray, GrowingValidity } from "./growing-array.ts";
import { scatter } from "./values.ts";

type Texts = VectorOf<"string">;

export const textLayout: VectorLayout<Texts> = {
  kind: "string",
  element: {
    width: null,
    write: (writer, value) => writer.text(value as string),
    read: (reader) => reader.text(),
  },
  builder(capacity) {
    const codes = new GrowingArray((length) => new Int32Array(length), capacity);
    const valid = new GrowingValidity(capacity);
    const dictionary: string[] = [];
    const known = new Map<string, number>();
    let last: Value = null;
    let lastCode = -1;
    return {
      push(value) {
        if (!valid.push(value)) {
          codes.push(-1);
          return;
        }
        if (value !== last) {
          const code = known.get(value as string);
          lastCode = code ?? dictionary.length;
          if (code === undefined) known.set(value as string, dictionary.push(value as string) - 1);
          last = value;
        }
        codes.push(lastCode);
      },
      finish: () => ({ kind: "string", codes: codes.array(), dictionary, valid: valid.finish() }),
    };
  },
  of: textsOfRows,
  missing: (length) => ({
    kind: "string",
    codes: new Int32Array(length).fill(-1),
    dictionary: [],
    valid: new Uint8Array(length),
  }),
  slice: ({ codes, dictionary, valid }, from, to) => ({
    kind: "string",
    codes: codes.subarray(from, to),
    dictionary,
    valid: valid?.subarray(from, to) ?? null,
  }),
  concat: concatTexts,
  gather: gatherTexts,
  expand: (dense, length, denseIndexes, valid, arrays) =>
    new LazyTexts(
      scatter(arrays.int32(length), dense.codes, -1, length, denseIndexes, valid),
      valid,
      () => dense.dictionary,
    ),
};

/**
 * A vector that decodes its texts on first use. Counting the different values needs only the codes.
 * It is a class, because an object with its own getter costs more than reading the texts.
 */
export class LazyTexts implements Texts {
  readonly kind = "string";
  readonly codes: Int32Array;
  readonly valid: Uint8Array | null;
  private readonly decode: () => readonly string[];
  private texts: readonly string[] | null = null;

  constructor(codes: Int32Array, valid: Uint8Array | null, decode: () => readonly string[]) {
    this.codes = codes;
    this.valid = valid;
    this.decode = decode;
  }

  get dictionary(): readonly string[] {
    return (this.texts ??= this.decode());
  }
}

/**
 * Makes the vector of texts that seldom repeat, such as rows of messages. They are well-formed.
 *
 * @example
 * valueAt(distinctTexts(["a", null]), 0); // "a"
 */
export function distinctTexts(texts: readonly (string | null)[]): Texts {
  const codes = new Int32Array(texts.length);
  if (!texts.includes(null)) {
    for (let i = 0; i < codes.length; i++) codes[i] = i;
    return { kind: "string", codes, dictionary: texts as string[], valid: null, distinct: true };
  }
  const dictionary: string[] = [];
  const valid = new Uint8Array(texts.length).fill(1);
  for (let i = 0; i < codes.length; i++) {
    const text = texts[i]!;
    if (text === null) {
      valid[i] = 0;
      codes[i] = -1;
    } else codes[i] = dictionary.push(text) - 1;
  }
  return { kind: "string", codes, dictionary, valid, distinct: true };
}

/** Gives each text a code. Neighbours are often equal, so that most texts are looked up seldom. */
function textsOfRows<Row>(rows: readonly Row[], valueOf: (row: Row) => Value): Texts {
  const codes = new Int32Array(rows.length);
  const dictionary: string[] = [];
  const known = new Map<string, number>();
  let valid: Uint8Array | null = null;
  let last: string | null = null;
  let lastCode = -1;
  for (let i = 0; i < rows.length; i++) {
    const text = valueOf(rows[i]!) as string | null;
    if (text === null) {
      (valid ??= new Uint8Array(rows.length).fill(1))[i] = 0;
      codes[i] = -1;
      continue;
    }
    if (text !== last) {
      last = text;
      const code = known.get(text);
      lastCode = code ?? dictionary.length;
      if (code === undefined) known.set(text, dictionary.push(text) - 1);
    }
    codes[i] = lastCode;
  }
  return { kind: "string", codes, dictionary, valid };
}

/** Joins the dictionaries into one, so that equal texts have equal codes. */
function concatTexts(vectors: readonly Texts[], valid: Uint8Array | null, length: number): Texts {
  const known = new Map<string, number>();
  const codes = new Int32Array(length);
  let at = 0;
  for (const vector of vectors) {
    const renamed = Int32Array.from(vector.dictionary, (text) => {
      let code = known.get(text);
      if (code === undefined) known.set(text, (code = known.size));
      return code;
    });
    for (let i = 0; i < vector.codes.length; i++, at++)
      codes[at] = vector.valid !== null && vector.valid[i] === 0 ? -1 : renamed[vector.codes[i]!]!;
  }
  return { kind: "string", codes, dictionary: [...known.keys()], valid };
}

/** Gathers texts of one vector, all of which are there. */
function pickedTexts({ codes: from, dictionary: texts }: Texts, rowIndexes: Int32Array): Texts {
  const known = new Map<string, number>();
  const renamed = new Int32Array(texts.length).fill(-1);
  const codes = new Int32Array(rowIndexes.length);
  for (let r = 0; r < codes.length; r++) codes[r] = from[rowIndexes[r]!]!;
  for (let r = 0; r < codes.length; r++) {
    const own = codes[r]!;
    if (renamed[own]! < 0) {
      const text = texts[own]!;
      const code = known.get(text) ?? known.size;
      known.set(text, code);
      renamed[own] = code;
    }
    codes[r] = renamed[own]!;
  }
  return { kind: "string", codes, dictionary: [...known.keys()], valid: null };
}

/** Gathers texts under one dictionary, in the order of first use. Equal texts have equal codes. */
function gatherTexts(
  vectors: readonly Texts[],
  vectorIndexes: Int32Array,
  rowIndexes: Int32Array,
  valid: Uint8Array | null,
): Texts {
  if (vectors.length === 1 && valid === null)
    return pickedTexts(vectors[0]!, rowIndexes.subarray(0, vectorIndexes.length));
  const known = new Map<string, number>();
  const renamed = vectors.map(({ dictionary }) => new Int32Array(dictionary.length).fill(-1));
  const ownCodes = vectors.map((vector) => vector.codes);
  const codes = new Int32Array(vectorIndexes.length);
  for (let r = 0; r < codes.length; r++) {
    if (valid !== null && valid[r] === 0) {
      codes[r] = -1;
      continue;
    }
    const vectorIndex = vectorIndexes[r]!;
    const ownCode = ownCodes[vectorIndex]![rowIndexes[r]!]!;
    let code = renamed[vectorIndex]![ownCode]!;
    if (code < 0) {
      const text = vectors[vectorIndex]!.dictionary[ownCode]!;
      code = known.get(text) ?? known.size;
      known.set(text, code);
      renamed[vectorIndex]![ownCode] = code;
    }
    codes[r] = code;
  }
  return { kind: "string", codes, dictionary: [...known.keys()], valid };
}
