/** From what was applied to what is defined now. */
import { durationText } from "../define/duration.ts";
import { canonicalText, type Json } from "./canonical.ts";
import { objectKey, type DefinedObject, type ObjectKind } from "./normalized-definitions.ts";
import type { RegisteredObject, Snapshot } from "./snapshot.ts";

export interface Difference {
  readonly kind: ObjectKind;
  readonly name: string;
  readonly is: "added" | "changed" | "removed";
  /** The version it has once it is applied. */
  readonly version: number;
  /** Of a changed one: `window: 7d → 30d`. */
  readonly details: readonly string[];
  /** Applied views and services that are made of it. */
  readonly usedBy: readonly string[];
  /**
   * Why somebody who relies on what was applied gets another answer, or none; null: nobody does.
   */
  readonly destructive: string | null;
}

/** In the order of keys. */
export function differences(
  before: Snapshot | null,
  now: ReadonlyMap<string, DefinedObject>,
): readonly Difference[] {
  const applied = new Map(
    [...(before?.objects ?? [])].filter(([, object]) => object.removed === null),
  );
  const keys = [...new Set([...applied.keys(), ...now.keys()])].sort();
  return keys.flatMap((key): Difference[] => {
    const [was, is] = [applied.get(key), now.get(key)];
    if (was === undefined) {
      const earlier = before?.objects.get(key);
      const version =
        earlier === undefined
          ? 1
          : earlier.fingerprint === is!.fingerprint
            ? earlier.version
            : earlier.version + 1;
      return [
        {
          kind: is!.kind,
          name: is!.name,
          is: "added",
          version,
          details: [],
          usedBy: [],
          destructive: null,
        },
      ];
    }
    if (was.fingerprint === is?.fingerprint) return [];
    const usedBy = usersOf(was, applied);
    const { kind, name } = was;
    if (is === undefined)
      return [
        {
          kind,
          name,
          is: "removed",
          version: was.version,
          details: [],
          usedBy,
          destructive: removal(was, usedBy),
        },
      ];
    const paths = changedPaths(was.meaning, is.meaning);
    return [
      {
        kind,
        name,
        is: "changed",
        version: was.version + 1,
        details: paths.map(detailText),
        usedBy,
        destructive: change(kind, paths),
      },
    ];
  });
}

interface ChangedPath {
  readonly path: readonly string[];
  readonly was: Json | undefined;
  readonly is: Json | undefined;
}

function changedPaths(
  was: Json | undefined,
  is: Json | undefined,
  path: readonly string[] = [],
): readonly ChangedPath[] {
  if (isMembers(was) && isMembers(is)) {
    return [...new Set([...Object.keys(was), ...Object.keys(is)])]
      .sort()
      .flatMap((name) => changedPaths(was[name], is[name], [...path, name]));
  }
  return was !== undefined && is !== undefined && canonicalText(was) === canonicalText(is)
    ? []
    : [{ path, was, is }];
}

function isMembers(value: Json | undefined): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function detailText({ path, was, is }: ChangedPath): string {
  const text = (value: Json | undefined): string =>
    value === undefined
      ? "nothing"
      : /^(window|ttl|longestWindow)$/.test(path.at(-1)!) && typeof value === "number"
        ? durationText(value)
        : typeof value === "string"
          ? value
          : canonicalText(value);
  const name = path.join(".");
  if (was === undefined) return `${name} added: ${text(is)}`;
  return is === undefined ? `${name} removed: ${text(was)}` : `${name}: ${text(was)} → ${text(is)}`;
}

/** The applied views that read it, and the services that reach it. */
function usersOf(
  { kind, name }: RegisteredObject,
  applied: ReadonlyMap<string, RegisteredObject>,
): readonly string[] {
  const all = [...applied.values()];
  const views =
    kind === "entity" || kind === "source"
      ? all.filter((one) => one.kind === "view" && one.meaning[kind] === name)
      : [];
  const of = (feature: string): boolean =>
    kind === "feature"
      ? feature === name
      : (kind === "view" ? [name] : views.map((view) => view.name)).some((view) =>
          feature.startsWith(`${view}.`),
        );
  const services = all.filter(
    (one) =>
      one.kind === "service" &&
      Object.values(one.meaning["features"] as Readonly<Record<string, string>>).some(of),
  );
  return kind === "service" ? [] : [...views, ...services].map(objectKey);
}

function removal({ kind }: RegisteredObject, usedBy: readonly string[]): string | null {
  if (kind === "service") return "callers ask for it by name";
  const services = usedBy.filter((one) => one.startsWith("service "));
  return services.length === 0
    ? null
    : `${services.join(", ")} ${services.length === 1 ? "answers" : "answer"} with it`;
}

function change(kind: ObjectKind, paths: readonly ChangedPath[]): string | null {
  const first = (...names: readonly string[]): ChangedPath | undefined =>
    paths.find(({ path }) => names.includes(path[0]!));
  switch (kind) {
    case "entity":
      return "its keys are those of requests and of what is stored";
    case "feature":
      return "what it answers changes its meaning";
    case "view": {
      const found = first("is", "entity", "source", "keys", "ttl");
      return found === undefined ? null : `its ${found.path[0]!} decides what its features mean`;
    }
    case "service": {
      const lost = paths.find(({ is }) => is === undefined);
      const other = paths.find(({ was, is }) => was !== undefined && is !== undefined);
      return lost !== undefined
        ? `callers get no ${lost.path.at(-1)!} any more`
        : other === undefined
          ? null
          : `callers get another feature as ${other.path.at(-1)!}`;
    }
    case "source": {
      const found = first("table", "push", "primaryKey", "eventTime", "created");
      if (found !== undefined) return `its ${found.path[0]!} decides what its rows are`;
      const type = paths.find(
        ({ path, was }) =>
          path[0] === "columns" &&
          path.length === 3 &&
          ["database", "kind", "precision", "scale", "zone"].includes(path[2]!) &&
          was !== undefined,
      );
      return type === undefined
        ? null
        : `what is stored in its column ${type.path[1]!} is of the other type`;
    }
  }
}
