/** Compares the applied definitions with the current ones. */
import { durationText } from "../define/duration.ts";
import { canonicalText, type CanonicalJson } from "./canonical.ts";
import { objectKey, type DefinedObject, type ObjectKind } from "./normalized-definitions.ts";
import type { RegisteredObject, RegistrySnapshot } from "./snapshot.ts";

/** One object that would be added, changed or removed. */
export interface DefinitionDifference {
  readonly kind: ObjectKind;
  readonly name: string;
  readonly action: "added" | "changed" | "removed";
  /** The object's version after it is applied. */
  readonly version: number;
  /** For a changed object: the changes, such as `window: 7d → 30d`. */
  readonly details: readonly string[];
  /** Applied views and services that are made of the object. */
  readonly usedBy: readonly string[];
  /**
   * Why a caller of the applied definition would get another answer, or no answer. null: every
   * caller gets the same answer.
   */
  readonly destructive: string | null;
}

/** Lists the differences, sorted by object key. */
export function differences(
  before: RegistrySnapshot | null,
  now: ReadonlyMap<string, DefinedObject>,
): readonly DefinitionDifference[] {
  const applied = new Map(
    [...(before?.objects ?? [])].filter(([, object]) => object.removed === null),
  );
  const keys = [...new Set([...applied.keys(), ...now.keys()])].sort();
  return keys.flatMap((key): DefinitionDifference[] => {
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
        destructive: changeImpact(kind, paths),
      },
    ];
  });
}

/** A member of a normalized definition that differs, and its values. undefined: it is missing. */
interface ChangedPath {
  readonly path: readonly string[];
  readonly before: CanonicalJson | undefined;
  readonly after: CanonicalJson | undefined;
}

function changedPaths(
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

function detailText({ path, before, after }: ChangedPath): string {
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

/** Lists the applied views over the object, and the services with its features. */
function dependentsOf(
  { kind, name }: RegisteredObject,
  applied: ReadonlyMap<string, RegisteredObject>,
): readonly string[] {
  const all = [...applied.values()];
  const views =
    kind === "entity" || kind === "source"
      ? all.filter((one) => one.kind === "view" && one.normalized[kind] === name)
      : [];
  const uses = (feature: string): boolean =>
    kind === "feature"
      ? feature === name
      : (kind === "view" ? [name] : views.map((view) => view.name)).some((view) =>
          feature.startsWith(`${view}.`),
        );
  const services = all.filter(
    (one) =>
      one.kind === "service" &&
      Object.values(one.normalized["features"] as Readonly<Record<string, string>>).some(uses),
  );
  return kind === "service" ? [] : [...views, ...services].map(objectKey);
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
    case "entity":
      return "requests and stored rows have its keys";
    case "feature":
      return "its values change";
    case "view": {
      const found = first("kind", "entity", "source", "keys", "ttl");
      return found === undefined ? null : `its ${found.path[0]!} decides what its features mean`;
    }
    case "service": {
      const lost = paths.find(({ after }) => after === undefined);
      const other = paths.find(({ before, after }) => before !== undefined && after !== undefined);
      return lost !== undefined
        ? `callers get no ${lost.path.at(-1)!} any more`
        : other === undefined
          ? null
          : `callers get another feature as ${other.path.at(-1)!}`;
    }
    case "source": {
      const found = first("table", "push", "primaryKey", "eventTime", "createdAt");
      if (found !== undefined) return `its ${found.path[0]!} decides what its rows are`;
      const type = paths.find(
        ({ path, before }) =>
          path[0] === "columns" &&
          path.length === 3 &&
          ["database", "type", "precision", "scale", "zone"].includes(path[2]!) &&
          before !== undefined,
      );
      return type === undefined
        ? null
        : `the stored values of its column ${type.path[1]!} have another type`;
    }
  }
}
