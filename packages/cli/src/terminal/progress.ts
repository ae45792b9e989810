/**
 * Where a command runs, and what it says on stderr while it works: one moving line on a terminal,
 * finished steps elsewhere.
 */

export interface Terminal {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

export interface CommandContext {
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  readonly signal: AbortSignal;
}

export interface Progress {
  /** The step goes on; shown on a terminal only. */
  update(text: string): void;
  /** A step is done. */
  done(text: string): void;
  /** Something that should be known; said even when quiet. */
  warn(text: string): void;
  /** Leaves the line. */
  end(): void;
}

/** ms between two states of the moving line. */
const REDRAW_INTERVAL = 100;
const CLEAR_LINE = "\r\u001B[K";

export function progressOn(terminal: Terminal, quiet: boolean): Progress {
  const moving = terminal.isTTY === true && !quiet;
  let shown = -Infinity;
  let lineShown = false;
  const clear = (): void => {
    if (lineShown) terminal.write(CLEAR_LINE);
    lineShown = false;
  };
  return {
    update(text) {
      const now = performance.now();
      if (!moving || now - shown < REDRAW_INTERVAL) return;
      shown = now;
      lineShown = true;
      terminal.write(`${CLEAR_LINE}${text}`);
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
