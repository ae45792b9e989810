/** Draws a progress bar on a terminal; elsewhere it prints a line at every tenth. */
import { decimals, integer } from "./print.ts";

/** The part of a stream that is used; `process.stdout` has it. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  /** The width of a terminal in columns. */
  readonly columns?: number | undefined;
}

export interface Progress {
  /** Shows the progress. `more` is further text for this moment. */
  at(done: number, more?: string): void;
  /** Removes the bar. */
  end(): void;
}

const BAR_WIDTH = 30;
const REDRAW_INTERVAL = 100;

export function progressBar(output: Output, total: number, what: string): Progress {
  const started = performance.now();
  let shown = 0;
  let tenths = 0;

  const text = (done: number, more?: string): string => {
    const share = Math.min(1, done / total);
    const rate = done / ((performance.now() - started) / 1000);
    const left = share < 1 && rate > 0 ? `, ${decimals((total - done) / rate, 0)} s left` : "";
    const filled = Math.round(share * BAR_WIDTH);
    return (
      `${"█".repeat(filled)}${"░".repeat(BAR_WIDTH - filled)} ` +
      `${String(Math.floor(share * 100)).padStart(3)} %  ${integer(done)} ` +
      `of ${integer(total)} ${what}, ` +
      `${integer(rate)}/s${left}${more === undefined ? "" : `, ${more}`}`
    );
  };

  if (output.isTTY !== true) {
    return {
      at(done, more) {
        const tenth = Math.min(10, Math.floor((done / total) * 10));
        if (tenth === tenths) return;
        tenths = tenth;
        output.write(`   ${text(done, more)}\n`);
      },
      end: () => undefined,
    };
  }
  const clear = "\r\u001b[2K";
  return {
    at(done, more) {
      const now = performance.now();
      if (now - shown < REDRAW_INTERVAL) return;
      shown = now;
      // a wrapped line could not be overwritten
      output.write(
        `${clear}   ${text(done, more)}`.slice(0, clear.length + (output.columns ?? 80) - 1),
      );
    },
    end: () => {
      output.write(clear);
    },
  };
}
