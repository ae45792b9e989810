/** Options of calls, checked where types do not reach: plain JavaScript and casts. */
import { didYouMean } from "./did-you-mean.ts";
import { TidemarkError } from "./errors.ts";

/** The option names of one call. `renamed` holds what to write now, by the former name. */
export interface OptionNames {
  readonly names: ReadonlySet<string>;
  readonly renamed: Readonly<Record<string, string>>;
}

/**
 * Refuses option names that the call does not have.
 *
 * @throws OPTION_UNKNOWN when there is no such option. The message tells the new place of a former
 * option.
 */
export function refuseUnknownOptions(
  call: string,
  given: object,
  { names, renamed }: OptionNames,
): void {
  for (const name of Object.keys(given)) {
    if (names.has(name)) continue;
    const now = Object.hasOwn(renamed, name) ? renamed[name]! : null;
    throw new TidemarkError(
      "OPTION_UNKNOWN",
      now === null
        ? `${call} has no option "${name}"${didYouMean(name, names)}; the options are ` +
            [...names].join(", ")
        : `${call} has no option "${name}" any more; write ${now}`,
    );
  }
}

/**
 * Returns the given word, or the first of the allowed words if none is given.
 *
 * @throws OPTION_INVALID when the given value is none of the words.
 */
export function wordOption<Word extends string>(
  option: string,
  given: unknown,
  words: readonly [Word, ...Word[]],
): Word {
  if (given === undefined) return words[0];
  const word = words.find((one) => one === given);
  if (word === undefined)
    throw new TidemarkError(
      "OPTION_INVALID",
      `${option} is ${typeof given === "string" ? `"${given}"` : String(given)}; write ` +
        words.map((one) => `"${one}"`).join(" or "),
    );
  return word;
}

/**
 * Returns the given number of bytes, or `otherwise` if none is given.
 *
 * @throws OPTION_INVALID when the given value is no whole number from `least` on.
 */
export function bytesOption(
  option: string,
  given: unknown,
  { least, otherwise }: { readonly least: number; readonly otherwise: number },
): number {
  if (given === undefined) return otherwise;
  if (Number.isSafeInteger(given) && (given as number) >= least) return given as number;
  throw new TidemarkError(
    "OPTION_INVALID",
    `${option} is ${String(given)}; write a whole number of bytes, ${least} or more`,
  );
}

/**
 * Returns the given number, or undefined if none is given.
 *
 * @throws OPTION_INVALID when the given value is no whole number from 0 to `most`.
 */
export function countOption(option: string, given: unknown, most: number): number | undefined {
  if (given === undefined) return undefined;
  if (Number.isSafeInteger(given) && (given as number) >= 0 && (given as number) <= most)
    return given as number;
  throw new TidemarkError(
    "OPTION_INVALID",
    `${option} is ${String(given)}; write a whole number from 0 to ${most}`,
  );
}

/**
 * Returns the given flag, or false if none is given.
 *
 * @throws OPTION_INVALID when the given value is not true or false.
 */
export function flagOption(option: string, given: unknown): boolean {
  if (given === undefined || typeof given === "boolean") return given === true;
  throw new TidemarkError("OPTION_INVALID", `${option} is ${String(given)}; write true or false`);
}
