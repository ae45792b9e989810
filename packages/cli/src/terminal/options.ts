/** Reads the options of a command. An unknown option is refused with the nearest known name. */
import { parseArgs } from "node:util";
import { TidemarkError } from "@tidemark/core";
import { didYouMean } from "@tidemark/core/internal";

/** flag: has no value. text: has one value. texts: has a value and may be repeated. */
export type OptionKind = "flag" | "text" | "texts";

export interface ParsedOptions {
  has(name: string): boolean;
  text(name: string): string | undefined;
  texts(name: string): readonly string[];
}

/** The new form of each former option. */
const RENAMED: Readonly<Record<string, string>> = {
  "as-known": "--knowledge as-known",
  "require-known": "--before-history error",
};

/**
 * Reads the options in `known`. A command with an `argument` also takes one word without an
 * option, under this name.
 *
 * @throws USAGE when an option is unknown, lacks its value or is given twice.
 */
export function readOptions(
  args: readonly string[],
  known: Readonly<Record<string, OptionKind>>,
  argument?: string,
): ParsedOptions {
  const options = Object.fromEntries(
    Object.entries(known).map(([name, kind]) => [
      name,
      { type: kind === "flag" ? "boolean" : "string", multiple: true } as const,
    ]),
  );
  const { tokens } = parseArgs({
    args: [...args],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind === "positional") {
      if (argument === undefined || given.has(argument))
        throw usage(`"${token.value}" belongs to no option`);
      given.set(argument, [token.value]);
      continue;
    }
    if (token.kind === "option-terminator") continue;
    const { name, rawName, value } = token;
    const kind = known[name];
    if (kind === undefined && Object.hasOwn(RENAMED, name))
      throw usage(`there is no option ${rawName} any more: write ${RENAMED[name]}`);
    if (kind === undefined)
      throw usage(
        `there is no option ${rawName}${didYouMean(
          rawName,
          Object.keys(known).map((one) => `--${one}`),
        )}`,
      );
    if (kind === "flag" && value !== undefined)
      throw usage(`${rawName} takes no value, got "${value}"`);
    if (
      kind !== "flag" &&
      (value === undefined || value === "" || (value.startsWith("--") && !token.inlineValue))
    )
      throw usage(`${rawName} needs a value`);
    const values = given.get(name);
    if (values === undefined) given.set(name, [value ?? ""]);
    else if (kind === "texts") values.push(value!);
    else throw usage(`${rawName} is given twice`);
  }
  return {
    has: (name) => given.has(name),
    text: (name) => given.get(name)?.[0],
    texts: (name) => given.get(name) ?? [],
  };
}

/**
 * The word given for an option; the first of `words` if the option is left out.
 * @throws USAGE when the word is none of `words`.
 */
export function choiceOf<Word extends string>(
  given: ParsedOptions,
  name: string,
  words: readonly [Word, ...Word[]],
): Word {
  const text = given.text(name);
  if (text === undefined) return words[0];
  const word = words.find((one) => one === text);
  if (word === undefined)
    throw usage(`--${name} ${text} is none of ${words.join(", ")}${didYouMean(text, words)}`);
  return word;
}

const UNITS: Readonly<Record<string, number>> = { kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30 };

/**
 * The bytes that an option gives, such as 512MiB. undefined: the option is left out.
 *
 * @throws USAGE when it is no whole number with a unit.
 */
export function sizeOf(given: ParsedOptions, name: string): number | undefined {
  const text = given.text(name);
  if (text === undefined) return undefined;
  const [, digits, unit] = /^(\d{1,9})(KiB|MiB|GiB)$/i.exec(text) ?? [];
  if (digits === undefined)
    throw usage(`--${name} ${text} is no size; write a number and KiB, MiB or GiB, as in 512MiB`);
  return Number(digits) * UNITS[unit!.toLowerCase()]!;
}

/** The ports that can be listened at; 0 is a free port. */
export const PORTS: readonly [least: number, most: number] = [0, 65_535];

/**
 * The whole number that an option gives. undefined: the option is left out.
 *
 * @throws USAGE when it is none from `least` to `most`.
 */
export function wholeNumberOf(
  given: ParsedOptions,
  name: string,
  [least, most]: readonly [least: number, most: number],
): number | undefined {
  const text = given.text(name);
  if (text === undefined) return undefined;
  if (!/^\d{1,6}$/.test(text) || Number(text) < least || Number(text) > most)
    throw usage(`--${name} ${text} is no whole number from ${least} to ${most}`);
  return Number(text);
}

/**
 * The number of threads that `--workers` gives. undefined: the option is left out.
 *
 * @throws USAGE when it is no whole number.
 */
export function workersOf(given: ParsedOptions): number | undefined {
  const text = given.text("workers");
  if (text === undefined) return undefined;
  if (!/^\d{1,4}$/.test(text)) throw usage(`--workers ${text}: give a whole number`);
  return Number(text);
}

/**
 * The share that `--mismatch` gives, or "ignore". Without the option it is that of the
 * configuration.
 *
 * @throws USAGE when it is neither.
 */
export function mismatchOf(
  given: ParsedOptions,
  configured?: number | "ignore",
): number | "ignore" | undefined {
  const text = given.text("mismatch");
  if (text === undefined) return configured;
  if (text === "ignore") return text;
  const share = Number(text);
  if (!(share >= 0 && share <= 1))
    throw usage(
      `--mismatch ${text} is no share from 0 to 1, and not ignore${didYouMean(text, ["ignore"])}`,
    );
  return share;
}

export function usage(message: string): TidemarkError {
  return new TidemarkError("USAGE", message);
}
