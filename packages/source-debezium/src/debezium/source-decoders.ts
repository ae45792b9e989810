/** Makes the row decoders of the declared tables. */
import {
  withKeyFrom,
  type RowDecoder,
  rowDecoder,
  tablesOf,
  unusedTimes,
} from "@tidemark/core/internal";
import { TidemarkError } from "@tidemark/core";
import type { SourceSpec } from "@tidemark/core/spi";
import type { CurrentMessage } from "./current-message.ts";
import type { DebeziumOptions } from "./debezium-options.ts";
import type { TextsOfPartitions } from "./partition-texts.ts";
import type { WarnOfSource } from "./source-warnings.ts";

/**
 * Makes the row decoder of each source, by the name of its table and by its former names.
 *
 * @throws SOURCE_TABLE_TWICE when two sources read one table.
 */
export function sourceDecoders(
  sources: readonly SourceSpec[],
  options: DebeziumOptions,
  current: CurrentMessage,
  texts: TextsOfPartitions,
  warn: WarnOfSource,
): ReadonlyMap<string, RowDecoder> {
  const times = options.times ?? {};
  const toastMarker = options.toastMarker ?? "__debezium_unavailable_value";
  const decoders = new Map<string, RowDecoder>();
  for (const source of sources) {
    const tables = tablesOf(source);
    const twice = tables.find((table) => decoders.has(table));
    if (twice !== undefined) {
      const other = decoders.get(twice)!.source.name;
      throw new TidemarkError(
        "SOURCE_TABLE_TWICE",
        `sources "${other}" and "${source.name}" both read table ${twice}; declare its ` +
          "columns in one source",
      );
    }
    const decoder = withKeyFrom(source, current.originPart, (spec) =>
      rowDecoder(spec, {
        times,
        toastMarker,
        texts: texts.ofSource(source),
        warn: (code, subject, message) => {
          warn(code, source, message, subject, () => `${current.where()}: `);
        },
      }),
    );
    for (const table of tables)
      decoders.set(table, table === source.table ? decoder : underFormerName(decoder, table));
  }
  for (const source of sources)
    for (const [name, text] of unusedTimes(source, times)) warn("TIMES_UNUSED", source, text, name);
  return decoders;
}

/** The decoder of a former name. Logged rows say the name, and each definition finds its own. */
function underFormerName(decoder: RowDecoder, formerTable: string): RowDecoder {
  return {
    ...decoder,
    format: (schema, options) => decoder.format(schema, { ...options, formerTable }),
  };
}
