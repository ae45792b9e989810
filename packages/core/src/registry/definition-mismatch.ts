/** Detects a definition mismatch: definitions that are not those that were applied. */
import type { Definitions } from "../define/collect-definitions.ts";
import { TidemarkError, isTidemarkError } from "../errors.ts";
import type { OfflineStore } from "../spi.ts";
import { objectKey, definedObjects, type ObjectKind } from "./normalized-definitions.ts";
import { loadRegistry } from "./registry.ts";
import { formerNamesOf } from "./renames.ts";
import { runtimeDifferences, runtimeDifferenceText } from "./runtime-data.ts";
import type { RegisteredObject, RegistrySnapshot } from "./snapshot.ts";
import type { AppliedBy } from "./applied-by.ts";

/** A definition mismatch: the applied version, and the objects that differ from it. */
export interface DefinitionMismatch {
  readonly namespace: string;
  /** Who applied the registry's newest version, and when. */
  readonly applied: AppliedBy & { readonly version: number };
  /**
   * The store's definitions that were not applied in this form.
   * Definitions that the store leaves out are no mismatch: a program may import some of them only.
   */
  readonly objects: readonly {
    readonly kind: ObjectKind;
    readonly name: string;
    readonly status: "not applied" | "applied with another definition" | "renamed" | "removed";
  }[];
}

/**
 * What to do about a definition mismatch.
 * "warn" emits a process warning `DEFINITION_MISMATCH`, and "refuse" throws an error of that code.
 * "ignore" reads no registry. A function is called with the mismatch.
 * A registry that does not answer is `REGISTRY_UNAVAILABLE`: an error with "refuse", a process
 * warning with "warn" and a function.
 */
export type OnDefinitionMismatch =
  | "warn"
  | "refuse"
  | "ignore"
  | ((mismatch: DefinitionMismatch) => void);

/** How long `openStore` waits for the registry, in ms. */
const REGISTRY_TIMEOUT = 2_000;

/**
 * Compares the definitions with the applied definitions. The option says how a mismatch is
 * reported. A registry that cannot be read is a process warning.
 *
 * @throws TZDATA_DIFFERS when a time zone or letter case of this runtime differs from what the
 * definitions were applied with.
 * @throws DEFINITION_MISMATCH when there is a mismatch, and the option is "refuse".
 * @throws REGISTRY_UNAVAILABLE when the registry does not answer, and the option is "refuse".
 */
export async function checkDefinitions(
  settings: {
    readonly definitions: Definitions;
    readonly namespace: string;
    readonly offline: OfflineStore | undefined;
  },
  onDefinitionMismatch: OnDefinitionMismatch = "warn",
): Promise<void> {
  const { offline, namespace } = settings;
  if (onDefinitionMismatch === "ignore" || offline?.registry === undefined) return;
  let snapshot: RegistrySnapshot | null;
  try {
    ({ snapshot } = await withDeadline(REGISTRY_TIMEOUT, (signal) =>
      loadRegistry({ namespace, offline, registry: offline.registry! }, signal),
    ));
  } catch (error) {
    const unread = isUnreadable(error) ? error : unavailable(offline, namespace, error);
    if (onDefinitionMismatch === "refuse") throw unread;
    process.emitWarning(unread.message, { type: "TidemarkWarning", code: unread.code });
    return;
  }
  // Nothing was applied yet.
  if (snapshot === null) return;
  checkRuntime(snapshot, settings);
  const mismatch = mismatchOf(snapshot, settings);
  if (mismatch === null) return;
  if (typeof onDefinitionMismatch === "function") onDefinitionMismatch(mismatch);
  else if (onDefinitionMismatch === "refuse")
    throw new TidemarkError("DEFINITION_MISMATCH", definitionMismatchText(mismatch));
  else
    process.emitWarning(definitionMismatchText(mismatch), {
      type: "TidemarkWarning",
      code: "DEFINITION_MISMATCH",
    });
}

function isUnreadable(error: unknown): error is TidemarkError {
  return (
    isTidemarkError(error, "REGISTRY_OLDER_FORMAT") ||
    isTidemarkError(error, "REGISTRY_NEWER_FORMAT") ||
    isTidemarkError(error, "REGISTRY_DAMAGED")
  );
}

function unavailable(offline: OfflineStore, namespace: string, cause: unknown): TidemarkError {
  return new TidemarkError(
    "REGISTRY_UNAVAILABLE",
    `${offline.name}: the registry of namespace "${namespace}" did not answer ` +
      `(${cause instanceof Error ? cause.message : String(cause)}), so the definitions of this ` +
      "store were not compared with those applied; make the offline store reachable and open " +
      'this store again, or open it without the comparison, with onDefinitionMismatch: "ignore"',
    { cause, retryable: true },
  );
}

type Compared = { readonly definitions: Definitions; readonly namespace: string };

/** Refuses a runtime that would give other answers to the same definitions. */
function checkRuntime(snapshot: RegistrySnapshot, { definitions, namespace }: Compared): void {
  const found = runtimeDifferences(snapshot.runtime, definitions);
  if (found.length === 0) return;
  const { applied, version } = snapshot;
  const texts = found.map((one) => `${runtimeDifferenceText(one)} (${one.usedBy.join(", ")})`);
  throw new TidemarkError(
    "TZDATA_DIFFERS",
    `this Node (${process.version}) differs from the one that applied version ${version} of ` +
      `namespace "${namespace}" (${applied.by} at ${applied.at}): ${texts.join("; ")}. Answers ` +
      "of the two could differ: run tidemark apply with this Node to go over to its data, or " +
      "run the Node that applied",
  );
}

/** Returns the mismatch; null if there is none. */
function mismatchOf(snapshot: RegistrySnapshot, settings: Compared): DefinitionMismatch | null {
  const objects = [...definedObjects(settings.definitions)].flatMap(
    ([key, { kind, name, fingerprint }]): DefinitionMismatch["objects"] => {
      // no answer depends on an expectation
      if (kind === "quality") return [];
      const known = snapshot.objects.get(key);
      if (known !== undefined && known.removed === null && known.fingerprint === fingerprint)
        return [];
      return [
        {
          kind,
          name,
          status:
            known === undefined
              ? "not applied"
              : known.removed === null
                ? "applied with another definition"
                : isRenamed(snapshot, known)
                  ? "renamed"
                  : "removed",
        },
      ];
    },
  );
  return objects.length === 0
    ? null
    : {
        namespace: settings.namespace,
        applied: { ...snapshot.applied, version: snapshot.version },
        objects,
      };
}

/** Says whether the applied definitions answer a removed feature under its former name. */
function isRenamed({ objects }: RegistrySnapshot, { kind, name }: RegisteredObject): boolean {
  if (kind !== "feature") return false;
  const [view, feature] = [name.slice(0, name.indexOf(".")), name.slice(name.indexOf(".") + 1)];
  const applied = objects.get(objectKey({ kind: "view", name: view }));
  return (
    applied !== undefined &&
    applied.removed === null &&
    Object.hasOwn(formerNamesOf(applied.normalized), feature)
  );
}

/**
 * Describes a definition mismatch as the warning does.
 *
 * @example
 * const store = await openStore({
 *   definitions,
 *   offline,
 *   onDefinitionMismatch: (mismatch) => console.log(definitionMismatchText(mismatch)),
 * });
 */
export function definitionMismatchText({
  namespace,
  applied,
  objects,
}: DefinitionMismatch): string {
  return (
    `the definitions of this store are not those applied to namespace "${namespace}" ` +
    `(version ${applied.version}, by ${applied.by} at ${applied.at}): ` +
    `${objects.map((one) => `${objectKey(one)} is ${one.status}`).join(", ")}; ` +
    "this process answers under its own definitions: tidemark plan shows what they need, " +
    "tidemark apply applies them; or deploy the definitions that were applied"
  );
}

/** Makes a call, and rejects after `ms`. */
async function withDeadline<T>(ms: number, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no answer within ${ms / 1000} s`));
      stop.abort();
    }, ms);
  });
  try {
    return await Promise.race([call(stop.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}
