/** Lines of a log, gathered: a write for each would cost more than the request it tells of. */
import { redact } from "../config/secret.ts";
import type { Terminal } from "../progress.ts";

/** ms. */
const LATEST = 50;
/** What several processes write to one pipe stays whole up to here. */
const MOST = 4096;

export interface LogLines {
  write(line: string): void;
  flush(): void;
}

export function logLines(terminal: Terminal): LogLines {
  let gathered = "";
  let timer: ReturnType<typeof setTimeout> | null = null;
  function flush(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (gathered !== "") terminal.write(redact(gathered));
    gathered = "";
  }
  return {
    write(line) {
      if (gathered.length + line.length > MOST) flush();
      gathered += line;
      timer ??= setTimeout(flush, LATEST);
    },
    flush,
  };
}
