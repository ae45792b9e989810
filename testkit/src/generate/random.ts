/** Generates numbers from a seed: xoshiro128** over 32-bit words, whose state splitmix32 fills. */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  constructor(seed: number) {
    // A seed is a safe integer. Both halves are used, so that seeds beyond 2^32 differ too.
    let state = (seed >>> 0) ^ Math.imul(Math.floor(seed / 4294967296) >>> 0, 0x9e3779b1);
    const next = (): number => {
      state = (state + 0x9e3779b9) | 0;
      let z = state ^ (state >>> 16);
      z = Math.imul(z, 0x21f0aaad);
      z ^= z >>> 15;
      z = Math.imul(z, 0x735a2d97);
      return (z ^ (z >>> 15)) >>> 0;
    };
    this.a = next();
    this.b = next();
    this.c = next();
    this.d = next() | 1;
  }

  /** Returns a whole number in [0, 2^32). */
  word(): number {
    const product = Math.imul(this.b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const t = this.b << 9;
    this.c ^= this.a;
    this.d ^= this.b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= t;
    this.d = (this.d << 11) | (this.d >>> 21);
    return result;
  }

  /** Returns a number in [0, 1) with 53 bits. */
  fraction(): number {
    return (this.word() * 2097152 + (this.word() >>> 11)) / 9007199254740992;
  }

  /** Returns a whole number in [0, n). */
  int(n: number): number {
    return Math.floor(this.fraction() * n);
  }

  /** Returns a whole number in [from, to], both ends included. */
  between(from: number, to: number): number {
    return from + this.int(to - from + 1);
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.int(choices.length)]!;
  }

  /** Returns one of the names, as often as its weight says. */
  weighted<K extends string>(weights: Readonly<Partial<Record<K, number>>>): K {
    const names = Object.keys(weights) as K[];
    let rest = this.fraction() * names.reduce((sum, name) => sum + (weights[name] ?? 0), 0);
    for (const name of names) {
      rest -= weights[name] ?? 0;
      if (rest < 0) return name;
    }
    return names.at(-1)!;
  }

  /** Returns the same values in another order. */
  shuffled<T>(values: readonly T[]): T[] {
    const result = [...values];
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      [result[i], result[j]] = [result[j]!, result[i]!];
    }
    return result;
  }

  /** Returns `count` different values in their own order; all values if there are fewer. */
  sample<T>(values: readonly T[], count: number): T[] {
    const chosen = new Set(this.shuffled(values.map((_, i) => i)).slice(0, count));
    return values.filter((_, i) => chosen.has(i));
  }

  /**
   * Makes an independent generator, so that the draws of one part do not change those of another.
   */
  fork(): Random {
    return new Random(this.word() + this.int(2097152) * 4294967296);
  }
}
