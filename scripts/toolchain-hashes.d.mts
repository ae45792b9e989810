/** The fault is the first package that is another one; `unknown` lists those without a hash. */
export function compareHashes(lock: string): {
  readonly fault: string | null;
  readonly unknown: readonly string[];
};
