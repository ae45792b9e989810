/**
 * Says what a definition does to decimals that messages without a schema write as base64. Base64
 * holds the digits and no point: every value, of whatever time, is read at the declared scale.
 */
import { tablesOf } from "../rows/source-tables.ts";
import type { SourceSpec } from "../specs.ts";
import type { OfflineStore, OnlineStore, Position } from "../spi.ts";
import { historyTables } from "../offline/history-tables.ts";
import type { NormalizedDefinition } from "./normalized-definitions.ts";

/** The columns of a source that came as base64, by their names in the database. */
export type Base64Columns = ReadonlySet<string>;

/** Asks the positions of both stores which columns of a source came as base64. */
export async function base64Columns(
  {
    online,
    offline,
  }: { readonly online?: OnlineStore | undefined; readonly offline: OfflineStore },
  source: SourceSpec,
  signal: AbortSignal | undefined,
): Promise<Base64Columns> {
  const state = await offline.state(historyTables(source).changes.name, { signal });
  const positions = [
    ...(state?.positions ?? []),
    ...((await online?.positions(source.name)) ?? []),
  ];
  return new Set(positions.flatMap((position) => columnsIn(position, source)));
}

function columnsIn({ checkpoint }: Position, source: SourceSpec): readonly string[] {
  const tables = (checkpoint?.decoder ?? {}) as Readonly<Record<string, Record<string, string>>>;
  return tablesOf(source).flatMap((table) =>
    Object.entries(tables[table] ?? {}).flatMap(([column, texts]) =>
      wasBase64(texts) ? [column] : [],
    ),
  );
}

/** Whether some texts were base64. A number behind the texts counts switches of the encoding. */
const wasBase64 = (texts: string): boolean => /^(?:base64|words)|\d$/.test(texts);

/** Lists the decimals whose scale a change of the source gives to values that have another. */
export function otherScales(
  before: NormalizedDefinition,
  after: NormalizedDefinition,
  source: string,
  base64: Base64Columns,
): readonly string[] {
  const [old, now] = [columnsOf(before), columnsOf(after)];
  return Object.entries(now).flatMap(([name, column]): readonly string[] => {
    const { type, database, scale } = column;
    const former = Object.values(old).find(
      (one) => one["type"] === "decimal" && one["database"] === database,
    )?.["scale"];
    if (type !== "decimal" || former === undefined || former === scale) return [];
    if (!base64.has(String(database))) return [];
    const by = Number(scale) - Number(former);
    return [
      `column ${name} came as base64 without a schema, which holds no point: its values from ` +
        `before are read at scale ${String(scale)}, and become ${10 ** Math.abs(by)} times ` +
        `${by > 0 ? "smaller" : "larger"}. If the database changed the scale, set ` +
        "decimal.handling.mode=string or send schemas, take a new snapshot into a new topic, and " +
        `run tidemark resnapshot ${source}`,
    ];
  });
}

function columnsOf(source: NormalizedDefinition): Readonly<Record<string, NormalizedDefinition>> {
  return (source["columns"] ?? {}) as Readonly<Record<string, NormalizedDefinition>>;
}
