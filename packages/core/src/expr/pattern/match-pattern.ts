/**
 * Decides whether a whole text matches a pattern. All ways to read the pattern advance together,
 * one code point at a time (Thompson's simulation), so that the time is at most the size of the
 * pattern times the length of the text.
 */
import type { Pattern, PointSet } from "./pattern-tree.ts";

/** A step of a program. */
type Step =
  | { readonly set: PointSet; readonly next: number }
  /** Goes on at each of these steps without a code point. */
  | { readonly forks: readonly number[] }
  /** The text has matched. */
  | "end";

/** Compiles a pattern into the steps behind it, and returns its first step. */
function compile(pattern: Pattern, next: number, steps: Step[]): number {
  switch (pattern.kind) {
    case "set":
      return steps.push({ set: pattern, next }) - 1;
    case "sequence":
      return pattern.parts.reduceRight((after, part) => compile(part, after, steps), next);
    case "choice": {
      const forks = pattern.options.map((option) => compile(option, next, steps));
      return steps.push({ forks }) - 1;
    }
    case "repeat": {
      const { of, least, most } = pattern;
      let first = next;
      if (most === null) {
        const forks = [next];
        first = steps.push({ forks }) - 1;
        forks.push(compile(of, first, steps));
      } else
        for (let i = least; i < most; i++)
          first = steps.push({ forks: [next, compile(of, first, steps)] }) - 1;
      for (let i = 0; i < least; i++) first = compile(of, first, steps);
      return first;
    }
  }
}

function holds({ ranges, isNegated }: PointSet, point: number): boolean {
  for (const { from, to } of ranges) if (point >= from && point <= to) return !isNegated;
  return isNegated;
}

/** Makes the test of a pattern. It holds no state between two texts. */
export function patternMatcher(pattern: Pattern): (text: string) => boolean {
  const steps: Step[] = ["end"];
  const first = compile(pattern, 0, steps);
  /** The number of the code point before which a step was added last, over all texts. */
  const added = new Float64Array(steps.length);
  let turn = 0;

  /** Adds a step, or the steps that it forks to. */
  function add(index: number, to: number[]): void {
    if (added[index] === turn) return;
    added[index] = turn;
    const step = steps[index]!;
    if (step !== "end" && "forks" in step) for (const fork of step.forks) add(fork, to);
    else to.push(index);
  }

  return (text) => {
    turn++;
    let current: number[] = [];
    add(first, current);
    for (let i = 0; i < text.length && current.length > 0;) {
      const point = text.codePointAt(i)!;
      i += point > 0xffff ? 2 : 1;
      turn++;
      const following: number[] = [];
      for (const one of current) {
        const step = steps[one]!;
        if (step !== "end" && "set" in step && holds(step.set, point)) add(step.next, following);
      }
      current = following;
    }
    return current.includes(0);
  };
}
