/** The package as a JavaScript user sees it: nothing is checked before it runs. */
import * as core from "@tidemark/core";
import * as bank from "./bank.ts";

export interface Loose {
  (...args: readonly unknown[]): Loose;
  readonly [member: string]: Loose;
}

export const js = core as unknown as Loose;
export const made = bank as unknown as Loose;
