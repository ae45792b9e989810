/**
 * The terminal of a command and its progress on stderr: one moving line on a terminal, finished
 * steps elsewhere.
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
  /** Shows how far the current step is, on a terminal only. */
  update(text: string): void;
  /** Reports a finished step. */
  done(text: string): void;
  /** Writes a warning, also with `--quiet`. */
  warn(text: string): void;
  /** Clears the moving line. */
  end(): void;
}

/** Milliseconds between two states of the moving line. */
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
