/**
 * Where a command runs, and what it says on stderr while it works: one moving line on a terminal,
 * finished steps elsewhere.
 */

export interface Terminal {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

export interface Surroundings {
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  readonly signal: AbortSignal;
}

export interface Progress {
  /** The step goes on; shown on a terminal only. */
  at(text: string): void;
  /** A step is done. */
  done(text: string): void;
  /** Something that should be known; said even when quiet. */
  warn(text: string): void;
  /** Leaves the line. */
  end(): void;
}

/** ms between two states of the moving line. */
const INTERVAL = 100;
const CLEAR = "\r\u001B[K";

export function progressOn(terminal: Terminal, quiet: boolean): Progress {
  const moving = terminal.isTTY === true && !quiet;
  let shown = -Infinity;
  let there = false;
  const clear = (): void => {
    if (there) terminal.write(CLEAR);
    there = false;
  };
  return {
    at(text) {
      const now = performance.now();
      if (!moving || now - shown < INTERVAL) return;
      shown = now;
      there = true;
      terminal.write(`${CLEAR}${text}`);
    },
    done(text) {
      clear();
      if (!quiet) terminal.write(`${text}\n`);
    },
    warn(text) {
      clear();
      terminal.write(`warning: ${text}\n`);
    },
    end: clear,
  };
}
