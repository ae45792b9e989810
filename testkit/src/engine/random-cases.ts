/** Generates plans, events and entity rows for the tests of compute engines from a seed. */
import { planOf } from "../../../packages/core/src/plan/compile.ts";
import type { DeriveNode, EntityRows } from "../../../packages/core/src/spi.ts";
import type {
  AggregateSpec,
  Value,
  ViewSpec,
  WindowSpec,
} from "../../../packages/core/src/specs.ts";
import { entityRows, type NamedRow } from "../../../packages/core/src/testing/engine-cases.ts";
import { withRowCondition } from "../generate/computed-features.ts";
import { generateDefinitions } from "../generate/definitions.ts";
import type { Random } from "../generate/random.ts";
import { calendarsOf, lengthsIn, windowAt } from "../oracle/windows.ts";

/** Plans, and the events and entity rows that they run over. */
export interface RandomCase {
  readonly plans: readonly DeriveNode[];
  readonly events: readonly NamedRow[];
  readonly rows: EntityRows;
}

/**
 * Generates plans over one source, events near the edges of their windows, and entity rows at those
 * edges. `most.events` is the largest number of events, `most.rows` the number of entity rows.
 * `windowOf` may replace the window of an aggregation.
 */
export function randomCases(
  random: Random,
  most: { readonly events: number; readonly rows: number } = { events: 40, rows: 25 },
  windowOf: (window: WindowSpec) => WindowSpec = (window) => window,
): RandomCase[] {
  const base = random.pick([1_741_064_767_123_456, 10_000_000]);
  const definitions = generateDefinitions(random.fork(), base, random.int(8));
  return definitions.tables.map((table) => {
    const views = definitions.views
      .filter((view) => view.source === table.source)
      .map((view) => withRowCondition(random, withWindows(view, windowOf)));
    const lengths = views
      .flatMap((view) => [...view.features.map(({ window }) => window), view.ttl])
      .flatMap(lengthsIn);
    const calendars = views.flatMap(calendarsOf);
    const near = (): number => {
      const time =
        base -
        random.pick([0, ...lengths]) +
        random.between(-2, 2) -
        random.pick([0, 0, random.int(86_400_000_000)]);
      if (calendars.length === 0 || random.chance(0.6)) return time;
      const { unit, zone } = random.pick(calendars);
      return windowAt({ kind: "current", unit, zone }, time).from + random.between(-1, 1);
    };
    const keys = random.between(1, 3);
    const events = Array.from({ length: random.between(0, most.events) }, (_, i): NamedRow => {
      const values: Record<string, Value> = {};
      table.source.columns.forEach((column, c) => {
        values[column.name] =
          column.nullable && random.chance(0.15) ? null : random.pick(table.pools[c]!);
      });
      // no two rows of one key are seen at one time
      const key = table.source.columns[table.key[0]!]!;
      values[key.name] = key.type === "string" ? `row ${i}` : key.type === "int32" ? i : BigInt(i);
      const from = random.chance(0.5) ? -Infinity : near();
      const time = table.time < 0 && from > -Infinity ? from : near();
      return {
        entity: random.between(-1, keys - 1),
        time,
        from: table.time < 0 ? time : from,
        to: random.chance(0.6) ? Infinity : Math.max(from, near()),
        values,
      };
    });
    const times = [base, ...events.flatMap(({ time, from, to }) => [time, from, to])].filter(
      Number.isFinite,
    );
    const asked = Array.from(
      { length: most.rows },
      () =>
        [
          random.int(keys),
          random.pick(times) + random.pick([0, 0, ...lengths]) + random.between(-1, 1),
        ] as const,
    );
    return {
      plans: views.map((view) => planOf(view, view.features)),
      events: random.shuffled(events),
      rows: { ...entityRows(...asked), keys },
    };
  });
}

/** The view with other windows. */
function withWindows(view: ViewSpec, windowOf: (window: WindowSpec) => WindowSpec): ViewSpec {
  const changed = <A extends AggregateSpec>(one: A): A =>
    one.window === null ? one : { ...one, window: windowOf(one.window) };
  return {
    ...view,
    features: view.features.map((feature) =>
      feature.function === undefined
        ? changed(feature)
        : {
            ...feature,
            function: { ...feature.function, aggregates: feature.function.aggregates.map(changed) },
          },
    ),
  };
}
