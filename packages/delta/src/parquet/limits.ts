/**
 * The limits of reading a Parquet file. A file states the sizes of its own contents, so a small
 * file can claim any size.
 */
import { TidemarkError } from "@tidemark/core/internal/columns";

/** The greatest size (bytes) of a footer. */
export const MAX_FOOTER_BYTES: number = 64 * 1024 * 1024;
/** The greatest number of values in a footer. */
export const MAX_FOOTER_VALUES = 4_000_000;
/** The greatest depth of structures in a footer or a page header. */
export const MAX_FOOTER_DEPTH = 32;
/** The greatest depth of the schema of a column that is read; a list takes two levels. */
export const MAX_SCHEMA_DEPTH = 32;
/** The size (bytes) up to which the columns of a row group are always read. */
const MAX_GROUP_BYTES: number = 256 * 1024 * 1024;
/** Beyond that size, the number of bytes in memory for each byte in the file. */
const MAX_GROUP_EXPANSION = 1000;

/** Counts the memory that one row group needs, against its limit. */
export class GroupMemory {
  readonly #name: string;
  readonly #limit: number;
  #spent = 0;

  /** `name` says which row group of which file, and `stored` how many bytes it has there. */
  constructor(name: string, stored: number) {
    this.#name = name;
    this.#limit = Math.max(MAX_GROUP_BYTES, stored * MAX_GROUP_EXPANSION);
  }

  /** @throws PARQUET_TOO_LARGE when the row group would need more than its limit. */
  spend(bytes: number): void {
    if (bytes >= 0) this.#spent += bytes;
    else throw new Error("a size is negative");
    if (this.#spent > this.#limit)
      throw new TidemarkError(
        "PARQUET_TOO_LARGE",
        `${this.#name} needs more than ${Math.round(this.#limit / 2 ** 20)} MiB of memory by ` +
          "what the file says; write the file with smaller row groups, or put it back from a copy",
      );
  }
}
