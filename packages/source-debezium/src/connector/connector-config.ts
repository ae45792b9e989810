/** The settings of a Debezium connector for PostgreSQL whose topics Tidemark reads best. */

export interface ConnectorDatabase {
  /** As Kafka Connect's workers reach it. */
  readonly host: string;
  readonly port?: number | undefined;
  readonly user: string;
  readonly password: string;
  /** The database's name. */
  readonly name: string;
}

/** What a connector captures, and how it reaches the database. */
export interface ConnectorSettings {
  /** The connector's; topics begin with it, and slot and publication are named after it. */
  readonly name: string;
  readonly database: ConnectorDatabase;
  /** `schema.table`; without it, all tables. */
  readonly tables?: readonly string[] | undefined;
  /** Debezium's own settings, which go before ours; null leaves one of ours out. */
  readonly overrides?: Readonly<Record<string, string | null>> | undefined;
}

/**
 * What is sent to Kafka Connect. pgoutput; decimals as text, so no digit is lost; no schemas;
 * tombstones; truncates too, which Debezium skips by default; a heartbeat, so a quiet table does
 * not hold back the database's log; the table that incremental snapshots are asked for by; and what
 * was changed is sent on after 10 ms, where Debezium would gather for half a second.
 *
 * @example
 * const config = connectorConfig({
 *   name: "bank",
 *   database: { host: "db", user: "debezium", password, name: "bank" },
 * });
 */
export function connectorConfig({
  name,
  database,
  tables,
  overrides = {},
}: ConnectorSettings): Record<string, string> {
  const identifier = `tidemark_${name.toLowerCase().replace(/[^a-z0-9_]/g, "_")}`.slice(0, 63);
  const json = "org.apache.kafka.connect.json.JsonConverter";
  const signals = "public.debezium_signal";
  const config: Record<string, string | null> = {
    "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
    "tasks.max": "1",
    "plugin.name": "pgoutput",
    "database.hostname": database.host,
    "database.port": String(database.port ?? 5432),
    "database.user": database.user,
    "database.password": database.password,
    "database.dbname": database.name,
    "topic.prefix": name,
    "slot.name": identifier,
    "publication.name": identifier,
    ...(tables === undefined
      ? {}
      : {
          "table.include.list": [...tables, signals].map(escapedPattern).join(","),
          "publication.autocreate.mode": "filtered",
        }),
    "signal.data.collection": signals,
    "heartbeat.interval.ms": "10000",
    "poll.interval.ms": "10",
    "decimal.handling.mode": "string",
    "tombstones.on.delete": "true",
    "skipped.operations": "none",
    "key.converter": json,
    "key.converter.schemas.enable": "false",
    "value.converter": json,
    "value.converter.schemas.enable": "false",
    ...overrides,
  };
  return Object.fromEntries(
    Object.entries(config).filter((entry): entry is [string, string] => entry[1] !== null),
  );
}

/** Debezium takes the names of tables for patterns. */
function escapedPattern(table: string): string {
  return table.replace(/[\\^$*+?()[\]{}|]/g, String.raw`\$&`).replace(/\./g, String.raw`\.`);
}
