/** Compares the applied definitions with the current ones. */
import { durationText } from "../define/duration.ts";
import { canonicalText, type CanonicalJson } from "./canonical.ts";
import {
  objectKey,
  type DefinedObject,
  type NormalizedDefinition,
  type ObjectKind,
} from "./normalized-definitions.ts";
import type { DefinitionDifference } from "./definition-difference.ts";
import { renamedFeatures } from "./renames.ts";
import type { RegisteredObject, RegistrySnapshot } from "./snapshot.ts";

/** Lists the differences, sorted by object key. */
export function differences(
  before: RegistrySnapshot | null,
  now: ReadonlyMap<string, DefinedObject>,
): readonly DefinitionDifference[] {
  const applied = new Map(
    [...(before?.objects ?? [])].filter(([, object]) => object.removed === null),
  );
  const renamed = renamedFeatures(applied, now);
  const replaced = new Set(renamed.values());
  const keys = [...new Set([...applied.keys(), ...now.keys()])].sort();
  return keys.flatMap((key): DefinitionDifference[] => {
    if (replaced.has(key)) return [];
    if (renamed.has(key))
      return [renaming(applied.get(renamed.get(key)!)!, now.get(key)!, applied)];
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
          action: "added",
          version,
          details: [],
          usedBy: [],
          destructive: null,
        },
      ];
    }
    if (was.fingerprint === is?.fingerprint) return [];
    const usedBy = dependentsOf(was, applied);
    const { kind, name } = was;
    if (is === undefined)
      return [
        {
          kind,
          name,
          action: "removed",
          version: was.version,
          details: [],
          usedBy,
          destructive: removalImpact(was, usedBy),
        },
      ];
    const paths = changedPaths(was.normalized, is.normalized);
    return [
      {
        kind,
        name,
        action: "changed",
        version: was.version + 1,
        details: paths.map(detailText),
        usedBy,
        destructive: changeImpact(
          kind,
          paths.filter((path) => !isRenaming(kind, path, renamed)),
        ),
      },
    ];
  });
}

function renaming(
  was: RegisteredObject,
  is: DefinedObject,
  applied: ReadonlyMap<string, RegisteredObject>,
): DefinitionDifference {
  const paths = changedPaths(was.normalized, is.normalized);
  const { kind, name } = is;
  return {
    kind,
    name,
    action: "renamed",
    version: paths.length === 0 ? was.version : was.version + 1,
    details: [`name: ${was.name} → ${name}`, ...paths.map(detailText)],
    usedBy: dependentsOf(was, applied),
    destructive: paths.length === 0 ? null : changeImpact(kind, paths),
  };
}

/** Says whether a service answers the same feature, which only has another name now. */
function isRenaming(
  kind: ObjectKind,
  { before, after }: ChangedPath,
  renamed: ReadonlyMap<string, string>,
): boolean {
  return (
    kind === "service" &&
    typeof before === "string" &&
    typeof after === "string" &&
    renamed.get(objectKey({ kind: "feature", name: after })) ===
      objectKey({ kind: "feature", name: before })
  );
}

/** A member of a normalized definition that differs, and its values. undefined: it is missing. */
interface ChangedPath {
  readonly path: readonly string[];
  readonly before: CanonicalJson | undefined;
  readonly after: CanonicalJson | undefined;
}

export function changedPaths(
  before: CanonicalJson | undefined,
  after: CanonicalJson | undefined,
  path: readonly string[] = [],
): readonly ChangedPath[] {
  if (isMembers(before) && isMembers(after)) {
    return [...new Set([...Object.keys(before), ...Object.keys(after)])]
      .sort()
      .flatMap((name) => changedPaths(before[name], after[name], [...path, name]));
  }
  return before !== undefined &&
    after !== undefined &&
    canonicalText(before) === canonicalText(after)
    ? []
    : [{ path, before, after }];
}

function isMembers(
  value: CanonicalJson | undefined,
): value is { readonly [name: string]: CanonicalJson } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function detailText({ path, before, after }: ChangedPath): string {
  const text = (value: CanonicalJson | undefined): string =>
    value === undefined
      ? "nothing"
      : /^(window|ttl|longestWindow)$/.test(path.at(-1)!) && typeof value === "number"
        ? durationText(value)
        : typeof value === "string"
          ? value
          : canonicalText(value);
  const name = path.join(".");
  if (before === undefined) return `${name} added: ${text(after)}`;
  return after === undefined
    ? `${name} removed: ${text(before)}`
    : `${name}: ${text(before)} → ${text(after)}`;
}

/**
 * Lists the applied views over the object, the derived views that read its features, and the
 * services with features of any of these.
 */
function dependentsOf(
  { kind, name }: RegisteredObject,
  applied: ReadonlyMap<string, RegisteredObject>,
): readonly string[] {
  const all = [...applied.values()];
  const views =
    kind === "entity" || kind === "source"
      ? all.filter((one) => one.kind === "view" && readsOf(one, kind).includes(name))
      : [];
  const uses = (feature: string): boolean =>
    kind === "feature"
      ? feature === name
      : (kind === "view" ? [name] : views.map((view) => view.name)).some((view) =>
          feature.startsWith(`${view}.`),
        );
  const derived = all.filter(
    (one) =>
      one.kind === "view" &&
      ((one.normalized["reads"] ?? []) as readonly string[]).some((feature) => uses(feature)),
  );
  const services = all.filter(
    (one) =>
      one.kind === "service" &&
      Object.values(one.normalized["features"] as Readonly<Record<string, string>>).some(
        (feature) => uses(feature) || derived.some((view) => feature.startsWith(`${view.name}.`)),
      ),
  );
  return kind === "service" || kind === "quality"
    ? []
    : [...views, ...derived, ...services].map(objectKey);
}

/** The entity of a view, or the sources that it reads. */
function readsOf(
  { normalized }: RegisteredObject,
  kind: "entity" | "source",
): readonly CanonicalJson[] {
  const parts = kind === "source" ? (normalized["parts"] ?? {}) : {};
  const sources = Object.values(parts).map((part) => (part as NormalizedDefinition)["source"]!);
  return [normalized[kind] ?? null, ...sources];
}

/** Says whether the source's table has another name, and its former names are declared. */
function isTableRenamed(paths: readonly ChangedPath[]): boolean {
  const of = (name: string): ChangedPath | undefined => paths.find(({ path }) => path[0] === name);
  const [table, former] = [of("table"), of("renamedFrom")];
  const names = (value: CanonicalJson | undefined): readonly CanonicalJson[] =>
    Array.isArray(value) ? (value as readonly CanonicalJson[]) : [];
  const [before, after] = [names(former?.before), names(former?.after)];
  return (
    table?.before !== undefined && canonicalText(after) === canonicalText([table.before, ...before])
  );
}

/** Explains why a removal is destructive. null: it is not destructive. */
function removalImpact({ kind }: RegisteredObject, usedBy: readonly string[]): string | null {
  if (kind === "service") return "callers request it by name";
  const services = usedBy.filter((one) => one.startsWith("service "));
  return services.length === 0
    ? null
    : `${services.join(", ")} ${services.length === 1 ? "answers" : "answer"} with it`;
}

/** Explains why a change is destructive. null: it is not destructive. */
function changeImpact(kind: ObjectKind, paths: readonly ChangedPath[]): string | null {
  const first = (...names: readonly string[]): ChangedPath | undefined =>
    paths.find(({ path }) => names.includes(path[0]!));
  switch (kind) {
    case "quality":
      return null;
    case "entity":
      return "requests and stored rows have its keys";
    case "feature":
      return "its values change";
    case "view": {
      const found = first("kind", "entity", "source", "keys", "ttl", "rows", "parts");
      if (found === undefined) return null;
      const what = found.path[0] === "rows" ? "the condition of its rows" : `its ${found.path[0]!}`;
      return `${what} ${found.path[0] === "parts" ? "decide" : "decides"} what its features mean`;
    }
    case "service": {
      const features = paths.filter(({ path }) => path[0] === "features");
      const lost = features.find(({ after }) => after === undefined);
      const other = features.find(
        ({ before, after }) => before !== undefined && after !== undefined,
      );
      const role = paths
        .filter(({ path }) => path[0] === "roles")
        .flatMap(({ path, before, after }) => path[1] ?? Object.keys((before ?? after) as object))
        .find((name) => !features.some(({ path }) => path[1] === name));
      if (lost === undefined && other === undefined && role !== undefined)
        return `callers give other keys for ${role}`;
      return lost !== undefined
        ? `callers get no ${lost.path.at(-1)!} any more`
        : other === undefined
          ? null
          : `callers get another feature as ${other.path.at(-1)!}`;
    }
    case "source": {
      const found =
        (isTableRenamed(paths) ? undefined : first("table", "renamedFrom", "push")) ??
        first("primaryKey", "keyFrom", "eventTime", "createdAt", "quarantine");
      if (found !== undefined) return `its ${found.path[0]!} decides what its rows are`;
      const type = paths.find(
        ({ path, before }) =>
          path[0] === "columns" &&
          path.length === 3 &&
          ["database", "type", "precision", "scale", "zone", "encoding"].includes(path[2]!) &&
          before !== undefined,
      );
      return type === undefined
        ? null
        : `the stored values of its column ${type.path[1]!} have another type`;
    }
  }
}
