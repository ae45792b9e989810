/** Texts of rows whose neighbours mostly have the same text. */
import type { VectorOf } from "../types/vector.ts";

/** Collects the texts of a column as runs of equal neighbours. */
export class TextRuns {
  private readonly texts: (string | null)[] = [];
  /** The row after each run but the last one. */
  private readonly ends: number[] = [];
  private length = 0;
  private last: string | null = null;

  /** Adds the text of the next row. */
  push(text: string | null): void {
    if (text !== this.last || this.length === 0) {
      if (this.length > 0) this.ends.push(this.length);
      this.texts.push(text);
      this.last = text;
    }
    this.length++;
  }

  /** The texts as a vector. Equal texts have equal codes. */
  finish(): VectorOf<"string"> {
    const codes = new Int32Array(this.length);
    const known = new Map<string, number>();
    let valid: Uint8Array | null = null;
    let from = 0;
    for (const [run, text] of this.texts.entries()) {
      const end = this.ends[run] ?? this.length;
      if (text === null) (valid ??= new Uint8Array(this.length).fill(1)).fill(0, from, end);
      else if (!known.has(text)) known.set(text, known.size);
      codes.fill(text === null ? -1 : known.get(text)!, from, end);
      from = end;
    }
    return { kind: "string", codes, dictionary: [...known.keys()], valid };
  }
}
