/** Reads a logged row of Debezium under a definition, as the change source reads its message. */
import { TidemarkError } from "../../errors.ts";
import { originalTopic } from "../../rows/retried.ts";
import type { SourceSpec, Value } from "../../specs.ts";
import type { Change, LoggedRow } from "../../spi.ts";
import { type LoggedReading, NO_ROW, NOTHING_READ } from "../logged-reading.ts";
import { type DebeziumFormat, DEFAULT_TOAST_MARKER, schemaOfFormat } from "./debezium-format.ts";
import { JsonMembers } from "./json-text.ts";
import { type OriginPart, withKeyFrom } from "./key-from.ts";
import { LearnedTexts } from "./learned-texts.ts";
import { messageKeyReader } from "./message-key-reader.ts";
import { type DecodedRow, type RowDecoder, rowDecoder } from "./row-decoder.ts";

/** Makes the reader of rows of one format, for one definition. */
export function debeziumReader(
  source: SourceSpec,
  format: DebeziumFormat,
): (change: Change, logged: LoggedRow) => LoggedReading {
  const members = new JsonMembers();
  const readKey = messageKeyReader();
  const schema = schemaOfFormat(format);
  const texts = new LearnedTexts(format.texts);
  let current: Change;
  const part = (one: OriginPart): string | null =>
    one === "topic" ? originalTopic(current.topic) : (format.origin?.[one] ?? null);
  const decoder = withKeyFrom(source, part, (spec) =>
    rowDecoder(spec, {
      times: Object.fromEntries(
        Object.entries(format.times ?? {}).map(([column, unit]) => [
          `${spec.table}.${column}`,
          unit,
        ]),
      ),
      toastMarker: format.toastMarker ?? DEFAULT_TOAST_MARKER,
      facts: format.facts ?? {},
      texts: () => texts,
      warn: () => undefined,
    }),
  );
  const options = { topic: "key", bareValues: format.otherKeys !== true, bareText: true };
  const withSchema = (key: string): string =>
    format.keySchema === undefined ? key : `{"schema":${format.keySchema},"payload":${key}}`;
  /** Makes the key again that the row repeats. The row is in `members`. */
  const repeatedKey = (names: readonly string[]): string | null => {
    const at = names.map((name) => members.find(name));
    return at.includes(-1)
      ? null
      : `{${names.map((name, k) => `${JSON.stringify(name)}:${members.raw(at[k]!)}`).join()}}`;
  };
  const keyOf = ({ row, key }: LoggedRow): readonly Value[] | null => {
    const { keyMembers } = format;
    const text = key ?? (row === null || keyMembers === undefined ? null : repeatedKey(keyMembers));
    return text === null ? null : readKey(decoder, withSchema(text), options);
  };

  const oldKeyOf = ({ oldKey }: LoggedRow): readonly Value[] | null =>
    oldKey === null
      ? null
      : readKey(decoder, oldKey, { topic: "old key", bareValues: true, bareText: false });

  /** The change of a row that cannot be read, except for its key. */
  const undecodable = (logged: LoggedRow, reason: string, message: string): LoggedReading => {
    const key = keyOf(logged);
    return key === null
      ? noRow(reason.startsWith("FORMAT_") ? reason : "KEY_UNREADABLE", message)
      : { ...noRow(reason, message), kind: "upsert", values: decoder.keyRow(key) };
  };

  return (change, logged) => {
    current = change;
    const where = `${change.topic}, partition ${change.partition}, offset ${change.offset}: `;
    const { row } = logged;
    if (change.op === "d" || change.kind === "delete") {
      if (row !== null) members.scan(row, 0);
      const key = (row === null ? null : decoder.key(members, schema)) ?? keyOf(logged);
      // an erased change may have given its row another key
      const oldKey = format.erased === true ? oldKeyOf(logged) : null;
      if (key !== null) return deleted(decoder.keyRow(key), oldKey);
      if (oldKey !== null) return deleted(decoder.keyRow(oldKey), null);
      // what was erased of a key is no key of a row that stays
      if (format.erased === true) return NO_ROW;
      return noRow("KEY_UNREADABLE", `${where}no primary key can be read of a delete`);
    }
    if (row === null) {
      if (change.undecodable === null) return NO_ROW;
      return undecodable(logged, change.undecodable.reason, change.undecodable.message);
    }
    members.scan(row, 0);
    const from = { schema, unwrapped: format.unwrapped === true, committed: change.committed };
    const read = decoder.row(members, from, withoutScale(change));
    if (!decoder.hasKey(read.values))
      return undecodable(
        logged,
        "ROW_WITHOUT_KEY",
        `${where}the row has no readable value of its primary key ` +
          `(${source.primaryKey.join(", ")})${decoder.keyFault(read)}`,
      );
    const oldKey = oldKeyOf(logged);
    if (read.unclearTime !== null) {
      const { reason, message } = read.unclearTime;
      return {
        ...noRow(reason, where + (message ?? "its event time cannot be read")),
        kind: "upsert",
        values: decoder.keyRow(decoder.keyOf(read.values)),
        oldKey,
      };
    }
    return upserted(read, oldKey);
  };
}

const noRow = (reason: string, message: string): LoggedReading => ({
  ...NO_ROW,
  undecodable: { reason, message },
});

const deleted = (values: readonly Value[], oldKey: readonly Value[] | null): LoggedReading => ({
  ...NOTHING_READ,
  kind: "delete",
  values,
  oldKey,
});

const upserted = (
  { values, unavailable, undeclaredUnavailable, invalidColumns, nonFinite }: DecodedRow,
  oldKey: readonly Value[] | null,
): LoggedReading => ({
  kind: "upsert",
  values,
  oldKey,
  unavailable,
  undeclaredUnavailable: undeclaredUnavailable.length === 0 ? undefined : undeclaredUnavailable,
  invalidColumns,
  undecodable: null,
  nonFinite,
});

/** Throws, because nothing says the scale of a decimal. */
function withoutScale({ topic, partition, offset }: Change) {
  return (decoder: RowDecoder, column: string): never => {
    throw new TidemarkError(
      "DECIMAL_WITHOUT_SCALE",
      `source "${decoder.source.name}": column "${column}" of ${topic} (partition ${partition}, ` +
        `offset ${offset}) is a decimal as base64, and neither a schema nor the definition gives ` +
        "its scale; declare the column as decimal(p, s)",
    );
  };
}
