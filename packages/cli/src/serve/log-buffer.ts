/** Buffers log lines. A write for each line would cost more than its request. */
import { redact } from "../config/secret.ts";
import type { Terminal } from "../terminal/progress.ts";

/** Milliseconds that a line may wait. */
const MAX_DELAY = 50;
/** The largest write to a shared pipe that stays whole, in bytes. */
const ATOMIC_WRITE_BYTES = 4096;

export interface LogBuffer {
  write(line: string): void;
  flush(): void;
}

export function logBuffer(terminal: Terminal): LogBuffer {
  let buffered = "";
  let timer: ReturnType<typeof setTimeout> | null = null;
  function flush(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (buffered !== "") terminal.write(redact(buffered));
    buffered = "";
  }
  return {
    write(line) {
      if (buffered.length + line.length > ATOMIC_WRITE_BYTES) flush();
      buffered += line;
      timer ??= setTimeout(flush, MAX_DELAY);
    },
    flush,
  };
}
