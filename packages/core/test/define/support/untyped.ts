/** The package as a JavaScript user sees it: the compiler checks nothing. */
import * as core from "@tidemark/core";
import * as spi from "@tidemark/core/spi";
import * as bank from "./bank.ts";

export interface Untyped {
  (...args: readonly unknown[]): Untyped;
  readonly [member: string]: Untyped;
}

export const js = { ...core, ...spi } as unknown as Untyped;
export const made = bank as unknown as Untyped;
