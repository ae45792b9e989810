/** The two words of a double. */

/**
 * The index of the low word of a double. Node supports only little-endian machines, but the check
 * costs nothing.
 */
export const LOW_WORD: 0 | 1 = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1;
export const HIGH_WORD: 0 | 1 = LOW_WORD === 0 ? 1 : 0;
