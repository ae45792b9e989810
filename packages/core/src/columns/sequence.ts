/** Row numbers. */

/**
 * The numbers from `first` on, one after the other. It is a plain loop: `Int32Array.from` uses an
 * iterator, which costs more than the work on a row.
 */
export function sequence(length: number, first: number = 0): Int32Array {
  const numbers = new Int32Array(length);
  for (let i = 0; i < length; i++) numbers[i] = first + i;
  return numbers;
}
