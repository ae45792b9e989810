/** Recognizes lines that are no recording, and says what they are and what to do. */

const RECORD = "make a recording with tidemark record";

/** Status lines of kcat that stand between its messages. They hold no message. */
const STATUS_LINE = /^% (?:Reached end of topic |Auto-selecting Consumer mode)/;

/** Says whether a line holds no message: an empty line, or a status line of kcat. */
export function isEmptyLine(line: string): boolean {
  return line.trim() === "" || STATUS_LINE.test(line);
}

/**
 * Says what a line is that is no message. `json` is its JSON, if it is JSON. Gives null for a line
 * that is not recognized.
 */
export function explainOtherLine(
  line: string,
  { json, ended = true }: { readonly json?: unknown; readonly ended?: boolean },
): string | null {
  return json === undefined ? ofText(line, ended) : ofJson(json);
}

function ofText(line: string, ended: boolean): string | null {
  if (line.startsWith("\0"))
    return "the line begins with zero bytes: the file was damaged, or it is no text";
  if (line.startsWith("PAR1") || line.startsWith("Obj\u0001"))
    return `the file is Parquet or Avro and no recording; ${RECORD}`;
  if (/^(?:CreateTime|LogAppendTime|NoTimestamp|Partition|Offset)[:\t]/.test(line))
    return `the line is output of kafka-console-consumer, which names no topic; ${RECORD}`;
  if (line.startsWith("% ERROR")) return `kcat has failed here; ${RECORD}`;
  if (/^\s*[[{]\s*$/.test(line))
    return (
      "the line ends after its bracket: the file is a JSON array or has one message over " +
      "several lines; write each message as one line (jq -c '.[]' or jq -c .)"
    );
  if (/^[^\t]*\t\s*(?:[[{]|null\s*$|$)/.test(line))
    return (
      "the line is a key, a tab and a value, as kafka-console-consumer prints them, without an " +
      `offset; ${RECORD}`
    );
  if (!ended && /^\s*\{/.test(line))
    return (
      `not JSON: the last line is cut off after ${line.length} characters: the recording is ` +
      "still being written, or was cut off; wait until it is complete, or remove the line"
    );
  return null;
}

function ofJson(json: unknown): string | null {
  if (Array.isArray(json))
    return (
      "not a JSON object, but an array; write each message as one line (jq -c '.[]' FILE), or " +
      RECORD
    );
  if (typeof json !== "object" || json === null) return null;
  if ("topic" in json && ("partition" in json || "offset" in json)) return null;
  if ("Topic" in json || "Partition" in json || "Offset" in json)
    return `the line is of another tool, whose members begin with capitals; ${RECORD}`;
  if (("op" in json && "source" in json) || "payload" in json || "after" in json || "__op" in json)
    return (
      "the line is the value of a message alone, without its topic, partition, offset and key; " +
      RECORD
    );
  return null;
}
