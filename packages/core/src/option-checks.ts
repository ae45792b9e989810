/** Options of calls, checked where types do not reach: plain JavaScript and casts. */
import { didYouMean } from "./did-you-mean.ts";
import { TidemarkError } from "./errors.ts";

/** The option names of one call. `renamed`: by an old name, what to write now. */
export interface OptionNames {
  readonly names: ReadonlySet<string>;
  readonly renamed: Readonly<Record<string, string>>;
}

/** Refuses option names that `call` does not have. Throws `OPTION_UNKNOWN`. */
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

/** One of the allowed words; the first where none is given. Throws `OPTION_INVALID`. */
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
