/** `tidemark quarantine`: lists the rows of a source that are in no window. */
import type { BytesText, QuarantinedRow } from "@tidemark/core";
import { maskedQuarantine } from "@tidemark/core/internal";
import { checkSourceName } from "./change-source.ts";
import { configCommand } from "./config-command.ts";

const help = `Usage: tidemark quarantine SOURCE [options]

Lists the rows of a source that are in no window, because their entity key or event time
cannot be read: primary key, place of the message, column and reason. The
next readable change of a row brings it back. Messages whose primary key cannot be read
are listed from the history, which keeps their bytes for tidemark retry. The first
bytes of a message that cannot be decoded are shown as text, or else as hexadecimal
digits.

  --show-personal       show primary keys with the sensitivity "pii", and the bytes of
                        messages of sources with such columns; both are masked
                        otherwise
`;

export const quarantineCommand: ReturnType<typeof configCommand> = configCommand({
  name: "quarantine",
  help,
  exitCodes: { 0: "done", 1: "failed", 130: "interrupted" },
  argument: "source",
  options: { "show-personal": "flag" },
  interrupted: "nothing was changed",
  async run({ given, config, open, printResult }) {
    const source = given.text("source")!;
    const { store, definitions } = await open({ online: true });
    checkSourceName(source, [...definitions.sources.keys()], config.file);
    const all = await store.quarantine(source);
    const rows = given.has("show-personal")
      ? all
      : all.map((row) => maskedQuarantine(definitions.sources.get(source)!, row));
    printResult({ source, rows }, [
      ...rows.flatMap((row) => [rowLine(row), ...bytesLines(row)]),
      `${rows.length} ${rows.length === 1 ? "row" : "rows"} of ${source} in quarantine`,
    ]);
    return 0;
  },
});

function rowLine({ key, topic, partition, offset, column, reason }: QuarantinedRow): string {
  const columns = Object.entries(key).map(([name, value]) => `${name} ${String(value)}`);
  const row = columns.length === 0 ? "no readable key" : columns.join(", ");
  return (
    `${row}: ${column === null ? "the row" : `column "${column}"`} cannot be ` +
    `read (${reason}); ${topic}, partition ${partition}, offset ${offset}`
  );
}

/** The longest text of bytes in a line. All that is kept of it is in the JSON. */
const MOST_CHARACTERS = 300;

function bytesLines({ original }: QuarantinedRow): readonly string[] {
  const lineOf = (what: string, bytes: BytesText | null): readonly string[] => {
    if (bytes === null) return [];
    const { text, encoding, size } = bytes;
    const shown = text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
    const quoted = encoding === "hex" ? `0x${shown}` : JSON.stringify(shown);
    return [`  ${what}, ${size} bytes: ${quoted}`];
  };
  return [...lineOf("key", original?.key ?? null), ...lineOf("value", original?.value ?? null)];
}
