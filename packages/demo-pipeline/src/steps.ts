/** Prints the demo's numbered steps, each with its result, its duration and its rate. */
import { decimals, integer, table } from "./print.ts";
import type { Output } from "./progress.ts";

export interface StepPrinter {
  line(text?: string): void;
  table(rows: readonly object[]): void;
  /** Begins a step. `done` reports how many rows the step handled. */
  step(title: string): { done(count: number, what: string, more: string): void };
}

export function stepPrinter(output: Output): StepPrinter {
  let number = 0;
  const line = (text = ""): void => {
    output.write(text === "" ? "\n" : `   ${text}\n`);
  };
  return {
    line: (text) => line(text),
    table: (rows) => {
      for (const text of table(rows)) line(text);
    },
    step(title) {
      output.write(`\n${++number}. ${title}\n`);
      const started = performance.now();
      return {
        done(count, what, more) {
          const seconds = (performance.now() - started) / 1000;
          line(
            `${integer(count)} ${what} ` +
              `in ${decimals(seconds)} s (${integer(count / seconds)}/s): ${more}`,
          );
        },
      };
    },
  };
}
