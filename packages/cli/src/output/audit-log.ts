/** The audit log of a command: who changed what, as JSON lines on stderr or in a file. */
import { closeSync, openSync, writeSync } from "node:fs";
import { TidemarkError, isTidemarkError } from "@tidemark/core";
import { currentUser, logLine } from "@tidemark/core/internal";
import type { LoadedConfig } from "../config/config-file.ts";
import { redact } from "../config/secret.ts";
import type { Terminal } from "../terminal/progress.ts";

/** Takes the lines of the audit log. */
export interface AuditLog {
  /** Writes a line, with its line break. */
  write(line: string): void;
  /** Opens the file again, after another program has given it another name. */
  reopen(): void;
  close(): void;
}

/**
 * Opens the audit log of the configuration.
 *
 * @throws CONFIG_NOT_OPENED when the file cannot be written.
 */
export function openAuditLog(
  { audit = true, file: configuration }: Pick<LoadedConfig, "audit" | "file">,
  stderr: Terminal,
): AuditLog {
  const nothing = (): void => undefined;
  if (audit === false) return { write: nothing, reopen: nothing, close: nothing };
  const toStderr = (line: string): void => {
    stderr.write(redact(line));
  };
  const path = audit === true ? undefined : audit.file;
  if (path === undefined) return { write: toStderr, reopen: nothing, close: nothing };
  const open = (): number => {
    try {
      return openSync(path, "a", 0o600);
    } catch (cause) {
      throw new TidemarkError(
        "CONFIG_NOT_OPENED",
        `${configuration}: audit.file: ${path} cannot be written ` +
          `(${(cause as NodeJS.ErrnoException).code ?? String(cause)}); name a file in a ` +
          "directory that this user may write to",
        { cause },
      );
    }
  };
  let descriptor = open();
  return {
    write(line) {
      try {
        writeSync(descriptor, redact(line));
      } catch (error) {
        // a full disk loses no line, and stops no push
        toStderr(line);
        stderr.write(`warning: ${path} cannot be written (${(error as Error).message})\n`);
      }
    },
    reopen() {
      const renewed = open();
      closeSync(descriptor);
      descriptor = renewed;
    },
    close() {
      closeSync(descriptor);
    },
  };
}

/** Makes the line of a command that ended. The user is that of the operating system. */
export function commandLine(
  command: string,
  details: Readonly<Record<string, unknown>>,
  ended: { readonly exitCode: number } | { readonly error: unknown; readonly interrupted: boolean },
): string {
  const outcome =
    "exitCode" in ended
      ? ended.exitCode === 1
        ? "failed"
        : "done"
      : ended.interrupted
        ? "interrupted"
        : "failed";
  return logLine("info", "audit", {
    audit: true,
    action: command,
    outcome,
    ...("exitCode" in ended && ended.exitCode !== 0 ? { exitCode: ended.exitCode } : {}),
    ...("error" in ended && !ended.interrupted
      ? { code: isTidemarkError(ended.error) ? ended.error.code : "UNEXPECTED" }
      : {}),
    user: currentUser(),
    ...details,
  });
}
