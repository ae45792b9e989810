/** The settings of a Debezium connector for PostgreSQL whose topics Tidemark reads best. */

/** The PostgreSQL database that a connector reads. */
export interface ConnectorDatabase {
  /** The host as Kafka Connect's workers reach it. */
  readonly host: string;
  readonly port?: number | undefined;
  readonly user: string;
  readonly password: string;
  /** The database's name. */
  readonly name: string;
}

/** What `connectorConfig` makes settings of. */
export interface ConnectorSettings {
  /** The connector's name. Its topics, its slot and its publication are named after it. */
  readonly name: string;
  readonly database: ConnectorDatabase;
  /** The tables to read, as `schema.table`; without it, all tables. */
  readonly tables?: readonly string[] | undefined;
  /** Debezium's own settings, which replace those of Tidemark. Null leaves a setting out. */
  readonly overrides?: Readonly<Record<string, string | null>> | undefined;
}

/**
 * Makes the settings that are sent to Kafka Connect. They choose:
 *
 * - the plugin pgoutput, JSON without schemas, and tombstones;
 * - decimals as text, so no digit is lost;
 * - truncates too, which Debezium skips by default;
 * - a heartbeat, so a quiet table does not hold back the database's log;
 * - the signal table, by which incremental snapshots are requested;
 * - a poll every 10 ms, because Debezium's default delays changes by half a second.
 *
 * @example
 * const database = { host: "db", user: "debezium", password: "secret", name: "bank" };
 * const config = connectorConfig({ name: "bank", database, tables: ["public.payments"] });
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

/** Escapes the name of a table, because Debezium reads it as a pattern. */
function escapedPattern(table: string): string {
  return table.replace(/[\\^$*+?()[\]{}|]/g, String.raw`\$&`).replace(/\./g, String.raw`\.`);
}
