/** Formats numbers, sizes and tables for people. */
export const integer = (value: number): string => Math.round(value).toLocaleString("en-US");
export const decimals = (value: number, digits = 2): string =>
  value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
export const megabytes = (bytes: number): string => `${decimals(bytes / 1e6, 1)} MB`;

/** Formats a time in UTC, to the second. */
export const time = (at: Date | number): string =>
  new Date(at).toISOString().slice(0, 19).replace("T", " ");

/** Formats a value as a table cell. Numbers have as many digits as the others of their column. */
function cell(value: unknown, digits: number): string {
  if (value === null || value === undefined) return "–";
  if (value instanceof Date) return time(value);
  return typeof value === "number" ? decimals(value, digits) : String(value);
}

/**
 * Formats objects as the lines of a table, headed by the names of the first row. Numbers are
 * aligned to the right.
 */
export function table(rows: readonly object[]): string[] {
  const names = Object.keys(rows[0] ?? {});
  const columns = names.map((name) => {
    const values = rows.map((row) => (row as Readonly<Record<string, unknown>>)[name]);
    const digits = values.every((value) => typeof value !== "number" || Number.isInteger(value))
      ? 0
      : 2;
    const cells = values.map((value) => cell(value, digits));
    const width = Math.max(name.length, ...cells.map((text) => text.length));
    const right = values.some((value) => typeof value === "number");
    const pad = (text: string): string => (right ? text.padStart(width) : text.padEnd(width));
    return { head: pad(name), rule: "─".repeat(width), cells: cells.map(pad) };
  });
  const line = (parts: readonly string[]): string => parts.join("  ").trimEnd();
  return [
    line(columns.map(({ head }) => head)),
    line(columns.map(({ rule }) => rule)),
    ...rows.map((_, i) => line(columns.map(({ cells }) => cells[i]!))),
  ];
}
