/** Definitions that are not those that were applied. */
import type { Definitions } from "../define/collect-definitions.ts";
import { TidemarkError, isTidemarkError } from "../errors.ts";
import type { OfflineStore } from "../spi.ts";
import { objectKey, objectsOf, type ObjectKind } from "./normalized-definitions.ts";
import { loadRegistry } from "./registry.ts";
import type { Applied } from "./snapshot.ts";

export interface Drift {
  readonly namespace: string;
  /** What was applied last. */
  readonly applied: Applied & { readonly version: number };
  /**
   * What this store was opened with and was not applied so. What it leaves out is no drift: a
   * service may import a part of the definitions.
   */
  readonly objects: readonly {
    readonly kind: ObjectKind;
    readonly name: string;
    readonly is: "not applied" | "applied with another meaning" | "removed";
  }[];
}

/**
 * "warn": a warning of the process, `DEFINITIONS_DRIFT` · "refuse": an error of the same code ·
 * "ignore": nothing is asked and nothing is said. Or a function that is told.
 */
export type OnDrift = "warn" | "refuse" | "ignore" | ((drift: Drift) => void);

/** ms that opening waits for the registry: a store whose registry is away opens. */
const PATIENCE = 2_000;

export async function checkDrift(
  settings: {
    readonly definitions: Definitions;
    readonly namespace: string;
    readonly offline: OfflineStore | undefined;
  },
  onDrift: OnDrift = "warn",
): Promise<void> {
  const { offline, namespace, definitions } = settings;
  if (onDrift === "ignore" || offline?.registry === undefined) return;
  let drift: Drift | null;
  try {
    drift = await within(PATIENCE, (signal) =>
      driftOf({ definitions, namespace, offline, registry: offline.registry! }, signal),
    );
  } catch (error) {
    // away is no reason not to open; a registry that cannot be understood is
    if (
      !isTidemarkError(error, "REGISTRY_NEWER_FORMAT") &&
      !isTidemarkError(error, "REGISTRY_DAMAGED")
    )
      return;
    if (onDrift === "refuse") throw error;
    process.emitWarning(error.message, { type: "TidemarkWarning", code: error.code });
    return;
  }
  if (drift === null) return;
  if (typeof onDrift === "function") onDrift(drift);
  else if (onDrift === "refuse") throw new TidemarkError("DEFINITIONS_DRIFT", driftText(drift));
  else
    process.emitWarning(driftText(drift), { type: "TidemarkWarning", code: "DEFINITIONS_DRIFT" });
}

async function driftOf(
  settings: Parameters<typeof loadRegistry>[0] & { readonly definitions: Definitions },
  signal: AbortSignal,
): Promise<Drift | null> {
  const { snapshot } = await loadRegistry(settings, signal);
  if (snapshot === null) return null;
  const objects = [...objectsOf(settings.definitions)].flatMap(
    ([key, { kind, name, fingerprint }]): Drift["objects"] => {
      const known = snapshot.objects.get(key);
      if (known !== undefined && known.removed === null && known.fingerprint === fingerprint)
        return [];
      return [
        {
          kind,
          name,
          is:
            known === undefined
              ? "not applied"
              : known.removed === null
                ? "applied with another meaning"
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

/** A drift in words, as the warning has it. */
export function driftText({ namespace, applied, objects }: Drift): string {
  return (
    `the definitions of this store are not those applied to namespace "${namespace}" (version ` +
    `${applied.version}, by ${applied.by} at ${applied.at}): ` +
    `${objects.map((one) => `${objectKey(one)} is ${one.is}`).join(", ")}; ` +
    "apply them with tidemark apply, or deploy the definitions that were applied"
  );
}

async function within<T>(ms: number, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
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
