/** The options of `debeziumDecoder`. Types only. */
import type { TimeUnit } from "@tidemark/core/internal";

/** The options of Debezium's decoder. */
export interface DebeziumOptions {
  /**
   * The table of a topic, as the source names it. Declare topics whose names do not end in
   * `.schema.table`, and topics that hold the partitions of a table. A name between slashes is a
   * pattern: `{ "/payments_p\\d+$/": "public.payments" }`.
   */
  readonly tables?: Readonly<Record<string, string>> | undefined;
  /**
   * The unit of a timestamp column by `"schema.table.column"`, for messages without a schema. The
   * default is µs. Debezium sends ms for TIMESTAMP(0) to TIMESTAMP(3), and for every timestamp with
   * `time.precision.mode=connect`. A number that would lie in January 1970 is refused.
   */
  readonly times?: Readonly<Record<string, TimeUnit>> | undefined;
  /**
   * The earlier name of a server (topic prefix) by its new name, after a connector for the same
   * database was created anew under another prefix.
   */
  readonly servers?: Readonly<Record<string, string>> | undefined;
  /** The connector's `unavailable.value.placeholder`. */
  readonly toastMarker?: string | undefined;
}
