/**
 * The data of the runtime that answers depend on: the rules of time zones, and letter case. The
 * registry keeps what the definitions were applied with. A Node of another version may have other
 * data.
 */
import type { Definitions } from "../define/collect-definitions.ts";
import { sourceReadings } from "../define/source-readings.ts";
import { zonesOfOptions } from "../expr/casts.ts";
import { inputsOf } from "../aggregate/categories.ts";
import { nodeCrypto, runtimeVersions } from "../node-modules.ts";
import { aggregatesOf } from "../plan/columns-read.ts";
import type { Expression } from "../specs.ts";
import { windowsOf } from "../plan/windows.ts";
import { transformsBehind } from "../define/base-features.ts";
import { zoneRules } from "../time/zone.ts";

/** What the definitions were applied with. */
export interface RuntimeData {
  /** The version of the time zone database, such as 2026c. */
  readonly tzdata: string;
  /** A hash of the rules of each zone that a definition uses. */
  readonly zones: { readonly [zone: string]: string };
  /** The version of Unicode; null: no definition uses letter case. */
  readonly unicode: string | null;
}

/** Data of this runtime that differ from those that the definitions were applied with. */
export interface RuntimeDifference {
  /** The zone whose rules differ; null: letter case differs. */
  readonly zone: string | null;
  /** The applied version of the time zone database or of Unicode. */
  readonly applied: string;
  /** The version of this runtime. */
  readonly here: string;
  /** The objects that use the zone or letter case, such as `feature spending.at_night`. */
  readonly usedBy: readonly string[];
}

/** The zones that definitions use, and who uses them. Who uses letter case has the key null. */
type RuntimeUses = ReadonlyMap<string | null, readonly string[]>;

/** The data of this runtime that the definitions use; undefined: they use none. */
export function runtimeDataOf(definitions: Definitions): RuntimeData | undefined {
  const uses = runtimeUses(definitions);
  if (uses.size === 0) return undefined;
  const { tzdata, unicode } = runtimeVersions();
  const zones = [...uses.keys()].filter((zone) => zone !== null).sort();
  return {
    tzdata,
    zones: Object.fromEntries(zones.map((zone) => [zone, rulesHash(zone)])),
    unicode: uses.has(null) ? unicode : null,
  };
}

/** Lists what differs from the data that the definitions were applied with. */
export function runtimeDifferences(
  applied: RuntimeData | undefined,
  definitions: Definitions,
): readonly RuntimeDifference[] {
  if (applied === undefined) return [];
  const { tzdata, unicode } = runtimeVersions();
  const found: RuntimeDifference[] = [];
  for (const [zone, usedBy] of runtimeUses(definitions)) {
    if (zone === null) {
      if (applied.unicode !== null && applied.unicode !== unicode)
        found.push({ zone, applied: applied.unicode, here: unicode, usedBy });
      continue;
    }
    const rules = Object.hasOwn(applied.zones, zone) ? applied.zones[zone] : undefined;
    // Most versions of the database change other zones.
    if (rules !== undefined && applied.tzdata !== tzdata && rules !== rulesHash(zone))
      found.push({ zone, applied: applied.tzdata, here: tzdata, usedBy });
  }
  return found;
}

/** Says in words what differs. */
export function runtimeDifferenceText({ zone, applied, here }: RuntimeDifference): string {
  return zone === null
    ? `upper and lower case are those of Unicode ${here} here, and of Unicode ${applied} there`
    : `time zone ${zone} has other rules in tzdata ${here} here than in tzdata ${applied} there`;
}

/** Says whether a stored value is the data of a runtime, or is left out. */
export function isRuntimeData(stored: unknown): stored is RuntimeData | undefined {
  if (stored === undefined) return true;
  if (typeof stored !== "object" || stored === null) return false;
  const { tzdata, zones, unicode } = stored as Partial<Record<keyof RuntimeData, unknown>>;
  return (
    typeof tzdata === "string" &&
    typeof zones === "object" &&
    zones !== null &&
    (unicode === null || typeof unicode === "string")
  );
}

const hashes = new Map<string, string>();

function rulesHash(zone: string): string {
  let hash = hashes.get(zone);
  if (hash === undefined) {
    hash = nodeCrypto().createHash("sha256").update(zoneRules(zone)).digest("hex").slice(0, 32);
    hashes.set(zone, hash);
  }
  return hash;
}

function runtimeUses({ sources, views, derivedViews }: Definitions): RuntimeUses {
  const uses = new Map<string | null, string[]>();
  const use = (what: string | null, user: string): void => {
    if (what === "UTC") return;
    const users = uses.get(what);
    if (users === undefined) uses.set(what, [user]);
    else if (!users.includes(user)) users.push(user);
  };
  for (const { name, columns } of sources.values())
    for (const { zone } of columns) if (zone !== undefined) use(zone, `source ${name}`);
  for (const { name, features, rows = null } of [...views.values()].flatMap(sourceReadings))
    for (const feature of features) {
      const user = `feature ${name}.${feature.name}`;
      for (const window of windowsOf(feature))
        if (typeof window === "object" && "zone" in window) use(window.zone, user);
      for (const expression of [
        ...aggregatesOf(feature).flatMap((one) => [...inputsOf(one), one.where]),
        feature.function?.value ?? null,
        rows,
      ])
        for (const what of dataOf(expression)) use(what, user);
    }
  for (const { name, features } of derivedViews.values())
    for (const feature of features)
      for (const what of [
        ...dataOf(feature.value),
        ...transformsBehind(feature).flatMap(({ inputs }) =>
          inputs.flatMap(({ value }) => dataOf(value)),
        ),
        ...feature.request.flatMap(({ zone }) => zone ?? []),
      ])
        use(what, `feature ${name}.${feature.name}`);
  return uses;
}

/** The zones that an expression names, and null for letter case. */
function dataOf(expression: Expression | null): readonly (string | null)[] {
  if (expression?.op !== "call") return [];
  return [
    ...zonesOfOptions(expression.options ?? {}),
    ...(["lower", "upper"].includes(expression.function) ? [null] : []),
    ...expression.arguments.flatMap(dataOf),
  ];
}
