/** Writes members as one line of JSON, in the format of pino. */

/** The numbers of the levels. */
export const LEVELS = { debug: 20, info: 30, warn: 40, error: 50 } as const;
/** A level of a line. */
export type Level = keyof typeof LEVELS;

/** Characters that JSON keeps and that end a line or control a terminal. */
const CONTROLS = /[\u007f-\u009f\u2028\u2029]/g;
const URL_CREDENTIALS = /\b([a-z][a-z0-9+.-]*:\/\/)[^/?#\s@"']*@/gi;

/** Makes the line of a message, with its line break. No value can end the line early. */
export function logLine(
  level: Level,
  msg: string,
  members: Readonly<Record<string, unknown>> = {},
): string {
  const line = JSON.stringify(
    { level: LEVELS[level], time: Date.now(), pid: process.pid, ...members, msg },
    bigintAsText,
  );
  return `${line.replace(CONTROLS, escaped)}\n`;
}

/** Returns the text of an error for the log, without the passwords of its addresses. */
export function errorText(error: unknown): string {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return text.replace(URL_CREDENTIALS, "$1[credentials]@");
}

function bigintAsText(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
