/** The digest of a set of files, and the `txn` that holds it. */
import type { Action } from "./actions.ts";

/** The `txn` of a commit that holds the digest of the files after it. */
export const FILES = "#files";

/** A digest as two halves, 53 bits in all, since a `txn` holds a safe integer. */
export class FileDigest {
  #high = 0;
  #low = 0;

  /** Adds a path, or takes it away if it was added. */
  toggle(path: string): void {
    let high = 0xdeadbeef;
    let low = 0x41c6ce57;
    for (let i = 0; i < path.length; i++) {
      const code = path.charCodeAt(i);
      high = Math.imul(high ^ code, 2_654_435_761);
      low = Math.imul(low ^ code, 1_597_334_677);
    }
    high =
      Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909);
    low =
      Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909);
    this.#high ^= high & 0x1f_ffff;
    this.#low ^= low;
  }

  get value(): number {
    return (this.#high >>> 0) * 0x1_0000_0000 + (this.#low >>> 0);
  }

  copy(): FileDigest {
    const copy = new FileDigest();
    copy.#high = this.#high;
    copy.#low = this.#low;
    return copy;
  }
}

/** True if the commit said its files. */
export function saysFiles(actions: readonly Action[]): boolean {
  return actions.some(({ txn }) => txn?.appId === FILES);
}
