/** Generates patterns of `matches`, with texts that match, that nearly match and others. */
import type { Random } from "./random.ts";

/** A pattern and texts for it. */
export interface GeneratedPattern {
  readonly pattern: string;
  readonly texts: readonly string[];
}

/** A part of a pattern, and how a text that matches it is made. */
interface Part {
  readonly pattern: string;
  readonly text: () => string;
}

/** What stands for itself in a pattern, as it is written there and in a class. */
const LITERALS: readonly (readonly [text: string, outside: string, inside: string])[] = [
  ["a", "a", "a"],
  ["b", "b", "b"],
  ["Z", "Z", "Z"],
  ["7", "7", "7"],
  ["_", "_", "_"],
  ["ł", "ł", "ł"],
  ["😀", "😀", "😀"],
  [" ", " ", " "],
  [".", "\\.", "."],
  ["-", "-", "\\-"],
  ["^", "\\^", "\\^"],
  ["]", "\\]", "\\]"],
  ["\\", "\\\\", "\\\\"],
  ["'", "'", "'"],
  ["\n", "\\n", "\\n"],
  ["\t", "\\t", "\t"],
];
const ANY = ["a", "7", "_", "ł", "😀", " ", "\u00a0", "'", "\v"];
/** Code points that engines are known to read in several ways. */
const OTHER = [...ANY, "\n", "\r", "\u2028", "\u0085", "٣", "K", "A"];

/** The code points of a text. An engine that goes back takes long for more. */
const LONGEST = 12;

/**
 * A pattern and a few texts. Nothing that is repeated without end lies in something that is
 * repeated, because an engine that goes back would not come to an end.
 */
export function anyPattern(random: Random): GeneratedPattern {
  const { pattern, text } = choice(random, 3);
  const texts = Array.from({ length: 4 }, () => [...text()].slice(0, LONGEST).join(""));
  return {
    pattern,
    texts: [...texts, ...texts.map((one) => changed(random, one)), random.pick(OTHER), ""],
  };
}

/** The text with a code point more, less or another one. */
function changed(random: Random, text: string): string {
  const points = [...text];
  const at = random.int(points.length + 1);
  points.splice(at, random.int(2), ...(random.chance(0.7) ? [random.pick(OTHER)] : []));
  return points.join("");
}

function choice(random: Random, depth: number, isRepeated = false): Part {
  const options = Array.from({ length: random.chance(0.3) ? 2 : 1 }, () =>
    sequence(random, depth, isRepeated),
  );
  return {
    pattern: options.map(({ pattern }) => pattern).join("|"),
    text: () => random.pick(options).text(),
  };
}

function sequence(random: Random, depth: number, isRepeated: boolean): Part {
  const parts = Array.from({ length: random.int(4) }, () => repeated(random, depth, isRepeated));
  return {
    pattern: parts.map(({ pattern }) => pattern).join(""),
    text: () => parts.map(({ text }) => text()).join(""),
  };
}

function repeated(random: Random, depth: number, isRepeated: boolean): Part {
  if (random.chance(0.6)) return atom(random, depth, isRepeated);
  const part = atom(random, depth, true);
  const least = random.int(3);
  const bounded = [
    ["?", 0, 1],
    [`{${least}}`, least, least],
    [`{${least},${least + 2}}`, least, least + 2],
  ] as const;
  const endless = [
    ["*", 0, 3],
    ["+", 1, 3],
    [`{${least},}`, least, least + 2],
  ] as const;
  const [sign, from, to] = random.pick(isRepeated ? bounded : [...bounded, ...endless]);
  return {
    pattern: part.pattern + sign,
    text: () => Array.from({ length: from + random.int(to - from + 1) }, part.text).join(""),
  };
}

function atom(random: Random, depth: number, isRepeated: boolean): Part {
  const kind = random.int(depth > 0 ? 6 : 5);
  if (kind === 5) {
    const { pattern, text } = choice(random, depth - 1, isRepeated);
    return { pattern: `${random.pick(["(", "(?:"])}${pattern})`, text };
  }
  if (kind === 4) return pointClass(random);
  if (kind === 3) return { pattern: ".", text: () => random.pick(ANY) };
  if (kind === 2)
    return random.pick<Part>([
      { pattern: "\\d", text: () => "7" },
      { pattern: "\\w", text: () => random.pick(["a", "_", "7"]) },
      { pattern: "\\s", text: () => random.pick([" ", "\t", "\v"]) },
      { pattern: "\\D", text: () => random.pick(["a", "٣", "\n"]) },
      { pattern: "\\W", text: () => random.pick(["ł", "😀", "\n"]) },
      { pattern: "\\S", text: () => random.pick(["a", "\u00a0"]) },
    ]);
  const [text, pattern] = random.pick(LITERALS);
  return { pattern, text: () => text };
}

function pointClass(random: Random): Part {
  const isNegated = random.chance(0.3);
  const members = Array.from({ length: 1 + random.int(3) }, () =>
    random.chance(0.4)
      ? random.pick([
          ["b", "a-c"],
          ["Ł", "À-ž"],
          ["😀", "😀-😎"],
          ["7", "\\d"],
          [" ", "\\s"],
          ["Z", "\\w"],
        ] as const)
      : ((): readonly [string, string] => {
          const [text, , inside] = random.pick(LITERALS);
          return [text, inside];
        })(),
  );
  return {
    pattern: `[${isNegated ? "^" : ""}${members.map(([, inside]) => inside).join("")}]`,
    text: () => (isNegated ? random.pick(OTHER) : random.pick(members)[0]),
  };
}
