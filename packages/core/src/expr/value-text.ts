/** Values as text: the JSON text of `toJson`, without quotes. */
import { toBase64 } from "../bytes/bytes-text.ts";
import type { PresentValue } from "../types/vector.ts";
import type { TypeSpec } from "../specs.ts";
import { formatDate, formatTime } from "../time/parse-time.ts";
import { formatDecimal } from "../types/decimal-text.ts";

/** Makes the writer of a type's values as text. */
export function textWriter({ type, scale = 0 }: TypeSpec): (value: PresentValue) => string {
  switch (type) {
    case "decimal":
      return (value) => formatDecimal(value as bigint, scale);
    case "timestamp":
      return (value) => formatTime(value as number);
    case "date":
      return (value) => formatDate(value as number);
    case "bytes":
      return (value) => toBase64(value as Uint8Array);
    default:
      return String;
  }
}

/** Prints the SQL of a value's text. */
export function textSql({ type }: TypeSpec, printed: string): string {
  switch (type) {
    case "string":
      return printed;
    case "timestamp":
      return `TO_ISO8601(${printed} AT TIME ZONE 'UTC')`;
    case "bytes":
      return `TO_BASE64(${printed})`;
    default:
      return `CAST(${printed} AS VARCHAR)`;
  }
}
