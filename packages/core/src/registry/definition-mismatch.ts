/** Detects a definition mismatch: definitions that are not those that were applied. */
import type { Definitions } from "../define/collect-definitions.ts";
import { TidemarkError, isTidemarkError } from "../errors.ts";
import type { OfflineStore } from "../spi.ts";
import { objectKey, definedObjects, type ObjectKind } from "./normalized-definitions.ts";
import { loadRegistry } from "./registry.ts";
import type { AppliedBy } from "./snapshot.ts";

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
    readonly status: "not applied" | "applied with another definition" | "removed";
  }[];
}

/**
 * What to do about a definition mismatch.
 * "warn" emits a process warning `DEFINITION_MISMATCH`, and "refuse" throws an error of that code.
 * "ignore" reads no registry. A function is called with the mismatch.
 */
export type OnDefinitionMismatch =
  | "warn"
  | "refuse"
  | "ignore"
  | ((mismatch: DefinitionMismatch) => void);

/**
 * How long `openStore` waits for the registry, in ms. A store opens even if its registry is
 * unavailable.
 */
const REGISTRY_TIMEOUT = 2_000;

/**
 * Compares the definitions with the applied definitions. The option says how a mismatch is
 * reported.
 *
 * @throws DEFINITION_MISMATCH when there is a mismatch, and the option is "refuse".
 */
export async function checkDefinitions(
  settings: {
    readonly definitions: Definitions;
    readonly namespace: string;
    readonly offline: OfflineStore | undefined;
  },
  onDefinitionMismatch: OnDefinitionMismatch = "warn",
): Promise<void> {
  const { offline, namespace, definitions } = settings;
  if (onDefinitionMismatch === "ignore" || offline?.registry === undefined) return;
  let mismatch: DefinitionMismatch | null;
  try {
    mismatch = await withDeadline(REGISTRY_TIMEOUT, (signal) =>
      mismatchOf({ definitions, namespace, offline, registry: offline.registry! }, signal),
    );
  } catch (error) {
    // An unavailable registry is ignored. A registry that cannot be read is reported.
    if (
      !isTidemarkError(error, "REGISTRY_OLDER_FORMAT") &&
      !isTidemarkError(error, "REGISTRY_NEWER_FORMAT") &&
      !isTidemarkError(error, "REGISTRY_DAMAGED")
    )
      return;
    if (onDefinitionMismatch === "refuse") throw error;
    process.emitWarning(error.message, { type: "TidemarkWarning", code: error.code });
    return;
  }
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

/** Returns the mismatch; null if there is none, or if nothing was applied yet. */
async function mismatchOf(
  settings: Parameters<typeof loadRegistry>[0] & { readonly definitions: Definitions },
  signal: AbortSignal,
): Promise<DefinitionMismatch | null> {
  const { snapshot } = await loadRegistry(settings, signal);
  if (snapshot === null) return null;
  const objects = [...definedObjects(settings.definitions)].flatMap(
    ([key, { kind, name, fingerprint }]): DefinitionMismatch["objects"] => {
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
    "apply them with tidemark apply, or deploy the definitions that were applied"
  );
}

/** Makes a call, and rejects after `ms`. */
async function withDeadline<T>(ms: number, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error("late"));
      stop.abort();
    }, ms);
  });
  try {
    return await Promise.race([call(stop.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}
