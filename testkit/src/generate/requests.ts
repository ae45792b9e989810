/**
 * Generates requests at the edges: at an event, just before and after it, at the end of its window,
 * at its commit.
 */
import type { SourceSpec, Value } from "../../../packages/core/src/specs.ts";
import type { Change } from "../../../packages/core/src/spi.ts";
import { isoMicros } from "./cells.ts";
import type { GeneratedDefinitions } from "./definitions.ts";
import type { OracleRequest } from "../oracle/oracle.ts";
import { textOfAll } from "../oracle/values.ts";
import { calendarsOf, lengthsIn, windowAt } from "../oracle/windows.ts";
import type { Random } from "./random.ts";

/** Generates the requests of a scenario. */
export function generateRequests(
  random: Random,
  definitions: GeneratedDefinitions,
  changes: readonly Change[],
  commits: readonly number[],
  count: number,
): OracleRequest[] {
  const byView = definitions.views
    .map((view) =>
      changes
        .filter(
          (change) =>
            change.kind === "upsert" &&
            change.source === view.source.name &&
            change.undecodable === null,
        )
        .map((change) => ({
          view,
          change,
          keys: view.keyColumns.map(
            (name) =>
              change.values![view.source.columns.findIndex((column) => column.name === name)] ??
              null,
          ),
        }))
        .filter(({ keys }) => !keys.includes(null)),
    )
    .filter((images) => images.length > 0)
    // The last image of a row is seen in both modes; the earlier ones as known only.
    .map((images) => {
      const inOrder = images.toSorted((a, b) =>
        Number((a.change.order ?? 0n) - (b.change.order ?? 0n)),
      );
      return {
        images,
        last: [
          ...new Map(
            inOrder.map((image) => [keyText(image.change, image.view.source), image]),
          ).values(),
        ],
      };
    })
    .flatMap((one) => {
      const { kind, source } = one.images[0]!.view;
      return source.eventTime.kind === "committed"
        ? [one]
        : kind === "window"
          ? [one, one]
          : [one, one, one];
    });
  const times = changes.flatMap((change) => (change.committed === null ? [] : [change.committed]));
  return Array.from({ length: count }, (): OracleRequest => {
    const keys: Record<string, Value> = {};
    for (const [name, pool] of Object.entries(definitions.keyPools)) keys[name] = random.pick(pool);
    let time = random.pick(times.length > 0 ? times : [...commits, 0]) + random.between(-1, 1);
    const image =
      byView.length === 0 || random.chance(0.05) ? null : pickImage(random, random.pick(byView));
    if (image !== null) {
      image.view.entity.keys.forEach((key, i) => {
        keys[key.name] = image.keys[i]!;
      });
      const { source, ttl } = image.view;
      const event =
        source.eventTime.kind === "committed"
          ? image.change.committed
          : eventTimeOf(
              image.change,
              source.columns.findIndex(
                (column) =>
                  column.name ===
                  (source.eventTime.kind === "column" ? source.eventTime.column : ""),
              ),
            );
      const lengths = [
        ...image.view.features.flatMap(({ window }) => lengthsIn(window)),
        ...(ttl === null ? [] : [ttl]),
      ];
      const target = random.weighted(
        source.eventTime.kind === "committed"
          ? { event: 30, end: 70 }
          : ttl !== null
            ? { event: 48, end: 40, commit: 9, far: 3 }
            : { event: 30, end: 58, commit: 9, far: 3 },
      );
      if (target === "far") time += random.pick([-1, 1]) * 400 * 86_400_000_000;
      else if (target === "commit" || event === null)
        time = (image.change.committed ?? time) + random.between(-1, 1);
      else
        time =
          event +
          (target === "end" && lengths.length > 0 ? random.pick(lengths) : 0) +
          (target === "end" ? random.pick([-1, -1, 0, 0, 1]) : random.pick([-1, 0, 0, 1, 1]));
      const calendars = calendarsOf(image.view);
      if (target === "end" && event !== null && calendars.length > 0 && random.chance(0.5)) {
        const { unit, zone } = random.pick(calendars);
        const later = event + random.pick([0, 1, 2]) * 366 * 86_400_000_000;
        const near = random.pick([event, event + 3_600_000_000, event + 86_400_000_000, later]);
        time = windowAt({ kind: "current", unit, zone }, near).from + random.between(-1, 1);
      }
    }
    // Often the other entity over the same rows, mostly the entity of these rows.
    if (image?.view.entity.name === "account" && random.chance(0.5))
      keys["peer_id"] = keys["account_id"]!;
    if (random.chance(0.04)) {
      const name = random.pick(Object.keys(keys));
      keys[name] = neverSeen(keys[name]!);
    }
    return { keys, time };
  });
}

/**
 * Writes a request as `tidemark replay` reads it: one JSON object, int64 keys with all their
 * digits.
 */
export function requestLine({ keys, time }: OracleRequest): string {
  const members = Object.entries(keys).map(
    ([name, value]) =>
      `${JSON.stringify(name)}:${typeof value === "bigint" ? value : JSON.stringify(value)}`,
  );
  return `{${[...members, `"event_timestamp":"${isoMicros(time)}"`].join(",")}}`;
}

function pickImage<T>(
  random: Random,
  one: { readonly images: readonly T[]; readonly last: readonly T[] },
): T {
  return random.pick(random.chance(0.6) ? one.last : one.images);
}

function keyText(change: Change, source: SourceSpec): string {
  return textOfAll(
    source.primaryKey.map(
      (name) => change.values![source.columns.findIndex((column) => column.name === name)] ?? null,
    ),
  );
}

function eventTimeOf(change: Change, index: number): number | null {
  return (change.values![index] ?? null) as number | null;
}

function neverSeen(like: Exclude<Value, null>): Value {
  return typeof like === "string"
    ? `${like} never seen`
    : typeof like === "bigint"
      ? 77_777_777_777n
      : 77_777;
}
