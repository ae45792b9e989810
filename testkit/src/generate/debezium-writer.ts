/**
 * Writes changes byte by byte as Debezium does: with an envelope, with an envelope and schemas, or
 * unwrapped by the `unwrap` transform.
 */
import type { ColumnSpec } from "../../../packages/core/src/specs.ts";
import { toastMarkerOf, type Cell } from "./cells.ts";
import type { Delivery, Message, ScenarioTraits } from "./messages.ts";
import type { GeneratedTable, WireFormat } from "./definitions.ts";

/**
 * Writes one line of a recorded topic: `{topic, partition, offset, timestamp, key, value,
 * headers}`. Offset and timestamp are text.
 */
export function lineOf(delivery: Delivery, traits: ScenarioTraits, prefix: string): string {
  const { message } = delivery;
  const key =
    message.key === null
      ? null
      : traits.shape === "enveloped"
        ? envelopedKey(message, prefix)
        : keyJson(message.table, message.key);
  const headers = {
    ...(message.oldKey === null
      ? {}
      : { "__debezium.oldkey": keyJson(message.table, message.oldKey) }),
    ...(message.newKey === null
      ? {}
      : { "__debezium.newkey": keyJson(message.table, message.newKey) }),
    "__debezium.context.connectorLogicalName": prefix,
    "__debezium.context.taskId": "0",
    "__debezium.context.connectorName": "postgresql",
  };
  const value = delivery.tombstone ? null : valueOf(delivery, traits, prefix);
  return JSON.stringify({
    topic: delivery.topic,
    partition: delivery.partition,
    offset: String(delivery.offset),
    timestamp: String(delivery.timestamp),
    key,
    value,
    headers,
  });
}

/** Writes the key of a message without its schema, as headers and partitioners see it. */
export function keyJson(table: GeneratedTable, key: readonly Cell[]): string {
  return object(table.key.map((i, k) => [table.source.columns[i]!.database, key[k]!.json]));
}

function valueOf(delivery: Delivery, traits: ScenarioTraits, prefix: string): string {
  const { message } = delivery;
  if (traits.shape === "unwrapped") return unwrapped(message);
  const emitted = message.committed + 140_000 + delivery.offset;
  const payload = object([
    ["before", before(message)],
    ["after", after(message)],
    ["source", sourceBlock(message, traits, prefix)],
    [
      "transaction",
      traits.shape === "enveloped" && message.transaction !== null
        ? object([
            ["id", text(`${message.transaction}:${message.order}`)],
            ["total_order", "1"],
            ["data_collection_order", "1"],
          ])
        : "null",
    ],
    ["op", text(message.op)],
    ...times(emitted, traits),
  ]);
  return traits.shape === "enveloped"
    ? object([
        ["schema", valueSchema(message.table, prefix, message.extra !== null, traits)],
        ["payload", payload],
      ])
    : payload;
}

function fields(message: Message, row: readonly Cell[]): [string, string][] {
  const { table } = message;
  const all = row.map((cell, i): [string, string] => {
    const column = table.source.columns[i]!;
    return [column.database, message.unavailable.includes(i) ? toastMarkerOf(column) : cell.json];
  });
  return message.extra === null ? all : [...all, ["added later", message.extra]];
}

/**
 * Writes the before-image under REPLICA IDENTITY DEFAULT: nothing on updates, the key on deletes.
 * The other columns of a delete are null, or an empty text if the column is not nullable.
 */
function keyOnly(message: Message): [string, string][] {
  const { table } = message;
  return table.source.columns.map((column, i) => {
    const k = table.key.indexOf(i);
    return [
      column.database,
      k >= 0 ? message.key![k]!.json : column.type === "string" && !column.nullable ? '""' : "null",
    ];
  });
}

function before(message: Message): string {
  return message.op === "d" ? object(keyOnly(message)) : "null";
}

function after(message: Message): string {
  if (message.broken) return '"no row"';
  return message.row === null ? "null" : object(fields(message, message.row));
}

function times(micros: number, traits: ScenarioTraits): [string, string][] {
  const all: [string, string][] = [["ts_ms", String(Math.floor(micros / 1000))]];
  return traits.millisecondsOnly
    ? all
    : [...all, ["ts_us", String(micros)], ["ts_ns", String(BigInt(micros) * 1000n)]];
}

function sourceBlock(message: Message, traits: ScenarioTraits, prefix: string): string {
  const [ms, ...finer] = times(message.committed, traits);
  const [schema, table] = message.table.source.table.split(".") as [string, string];
  return object([
    ["version", text(traits.millisecondsOnly ? "2.1.4.Final" : "3.6.1.Final")],
    ["connector", text("postgresql")],
    ["name", text(prefix)],
    ms!,
    ["snapshot", text(message.snapshot)],
    ["db", text("bank")],
    [
      "sequence",
      traits.withoutLsn
        ? "null"
        : text(
            (message.lastCommit === null ? "[null," : `["${message.lastCommit}",`) +
              `"${message.order}"]`,
          ),
    ],
    ...finer,
    ["schema", text(schema)],
    ["table", text(table)],
    ["txId", message.transaction === null ? "null" : String(message.transaction)],
    ["lsn", message.lsn === null ? "null" : String(message.lsn)],
    ["xmin", "null"],
    ["origin", "null"],
    ["origin_lsn", "null"],
  ]);
}

/**
 * Writes a message as the `unwrap` transform does with `add.fields=op,lsn,source.ts_us` and deletes
 * rewritten.
 */
function unwrapped(message: Message): string {
  const row = message.row === null ? keyOnly(message) : fields(message, message.row);
  return object([
    ...row,
    ["__deleted", text(String(message.op === "d"))],
    ["__op", text(message.op)],
    ["__lsn", message.lsn === null ? "null" : String(message.lsn)],
    ["__source_ts_us", String(message.committed)],
  ]);
}

function envelopedKey(message: Message, prefix: string): string {
  const { table } = message;
  const schema = object([
    ["type", text("struct")],
    [
      "fields",
      list(table.key.map((i) => fieldSchema(table.source.columns[i]!, table.wires[i]!, false))),
    ],
    ["optional", "false"],
    ["name", text(`${prefix}.${table.source.table}.Key`)],
  ]);
  return object([
    ["schema", schema],
    ["payload", keyJson(table, message.key!)],
  ]);
}

function valueSchema(
  table: GeneratedTable,
  prefix: string,
  extra: boolean,
  traits: ScenarioTraits,
): string {
  const columns = table.source.columns.map((column, i) =>
    fieldSchema(column, table.wires[i]!, !table.key.includes(i)),
  );
  if (extra) columns.push(connect("string", [], true, "added later"));
  const name = `${prefix}.${table.source.table}`;
  const image = (field: string): string =>
    object([
      ["type", text("struct")],
      ["fields", list(columns)],
      ["optional", "true"],
      ["name", text(`${name}.Value`)],
      ["field", text(field)],
    ]);
  const number = (field: string): string => connect("int64", [], true, field);
  const finer = traits.millisecondsOnly ? [] : [number("ts_us"), number("ts_ns")];
  const string = (field: string, optional: boolean): string =>
    connect("string", [], optional, field);
  const source = object([
    ["type", text("struct")],
    [
      "fields",
      list([
        string("version", false),
        string("connector", false),
        string("name", false),
        connect("int64", [], false, "ts_ms"),
        string("snapshot", true),
        string("db", false),
        string("sequence", true),
        ...finer,
        string("schema", false),
        string("table", false),
        number("txId"),
        number("lsn"),
        number("xmin"),
        string("origin", true),
        number("origin_lsn"),
      ]),
    ],
    ["optional", "false"],
    ["name", text("io.debezium.connector.postgresql.Source")],
    ["version", "1"],
    ["field", text("source")],
  ]);
  const block = object([
    ["type", text("struct")],
    [
      "fields",
      list([
        string("id", false),
        connect("int64", [], false, "total_order"),
        connect("int64", [], false, "data_collection_order"),
      ]),
    ],
    ["optional", "true"],
    ["name", text("event.block")],
    ["version", "1"],
    ["field", text("transaction")],
  ]);
  return object([
    ["type", text("struct")],
    [
      "fields",
      list([
        image("before"),
        image("after"),
        source,
        block,
        string("op", false),
        number("ts_ms"),
        ...finer,
      ]),
    ],
    ["optional", "false"],
    ["name", text(`${name}.Envelope`)],
    ["version", "2"],
  ]);
}

function fieldSchema(column: ColumnSpec, wire: WireFormat, optional: boolean): string {
  const named = (name: string, ...more: [string, string][]): [string, string][] => [
    ["name", text(name)],
    ["version", "1"],
    ...more,
  ];
  const field = column.database;
  switch (column.type) {
    case "string":
      return connect("string", [], optional, field);
    case "json":
      return connect("string", named("io.debezium.data.Json"), optional, field);
    case "boolean":
    case "int32":
    case "int64":
    case "bytes":
      return connect(column.type, [], optional, field);
    case "float64":
      return connect("double", [], optional, field);
    case "date":
      return connect("int32", named("io.debezium.time.Date"), optional, field);
    case "decimal": {
      if (wire === "free decimal") {
        const parts = list([
          connect("int32", [], false, "scale"),
          connect("bytes", [], false, "value"),
        ]);
        return object([
          ["type", text("struct")],
          ["fields", parts],
          ["optional", String(optional)],
          ...named("io.debezium.data.VariableScaleDecimal", [
            "doc",
            text("Variable scaled decimal"),
          ]),
          ["field", text(field)],
        ]);
      }
      const parameters = object([
        ["scale", text(String(column.scale))],
        ["connect.decimal.precision", text(String(column.precision))],
      ]);
      return connect(
        "bytes",
        named("org.apache.kafka.connect.data.Decimal", ["parameters", parameters]),
        optional,
        field,
      );
    }
    case "timestamp":
      if (wire === "text time") return connect("string", [], optional, field);
      if (wire === "zoned")
        return connect("string", named("io.debezium.time.ZonedTimestamp"), optional, field);
      return connect(
        "int64",
        named(wire === "millis" ? "io.debezium.time.Timestamp" : "io.debezium.time.MicroTimestamp"),
        optional,
        field,
      );
    default:
      throw new TypeError(`a ${column.type} is in no message`);
  }
}

function connect(
  type: string,
  more: readonly [string, string][],
  optional: boolean,
  field: string,
): string {
  return object([
    ["type", text(type)],
    ["optional", String(optional)],
    ...more,
    ["field", text(field)],
  ]);
}

function object(members: readonly (readonly [string, string])[]): string {
  return `{${members.map(([name, json]) => `${text(name)}:${json}`).join(",")}}`;
}

function list(items: readonly string[]): string {
  return `[${items.join(",")}]`;
}

function text(value: string): string {
  return JSON.stringify(value);
}
