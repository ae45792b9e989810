/** The orders of values (law 3: one order of values). */

/** Compares numbers by value, and false before true. */
export function compareNumbers<T extends number | bigint | boolean>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Compares strings by code point, which is the order of their UTF-8 bytes.
 * JavaScript's `<` compares UTF-16 units, and so puts U+1F600 before U+FFFD.
 */
export function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  let i = 0;
  while (i < length && a.charCodeAt(i) === b.charCodeAt(i)) i++;
  if (i === length) return a.length - b.length;
  const unitA = a.charCodeAt(i);
  const unitB = b.charCodeAt(i);
  // Units have the order of code points below the surrogates, and if only one side has reached
  // them.
  if (unitA < 0xd800 || unitB < 0xd800) return unitA - unitB;
  const at = i > 0 && isHighSurrogate(a.charCodeAt(i - 1)) ? i - 1 : i;
  const order = a.codePointAt(at)! - b.codePointAt(at)!;
  return order !== 0 ? order : a.codePointAt(i)! - b.codePointAt(i)!;
}

/** Whether each text is greater than the one before it, by UTF-16 units. */
export function isAscending(texts: readonly string[]): boolean {
  for (let i = 1; i < texts.length; i++) if (!(texts[i - 1]! < texts[i]!)) return false;
  return true;
}

/** Compares bytes lexicographically (law 3: one order of values). */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (a[i] !== b[i]) return a[i]! - b[i]!;
  }
  return a.length - b.length;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}
