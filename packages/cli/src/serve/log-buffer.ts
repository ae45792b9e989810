/** Lines of a log, gathered: a write for each would cost more than the request it tells of. */
import { redact } from "../config/secret.ts";
import type { Terminal } from "../terminal/progress.ts";

/** ms. */
const MAX_DELAY = 50;
/** What several processes write to one pipe stays whole up to here. */
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
