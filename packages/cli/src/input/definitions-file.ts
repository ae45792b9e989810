/** Loads a module of definitions and finds a service or a view in it. */
import {
  TidemarkError,
  collectDefinitions,
  selectedFeatures,
  type Selection,
} from "@tidemark/core";
import type { ColumnSpec, SourceSpec } from "@tidemark/core/spi";
import {
  didYouMean,
  keysNeeded,
  sourcesOf,
  specOfAnyView,
  specOfService,
} from "@tidemark/core/internal";
import { loadModule, type ModuleExports } from "../modules/load-module.ts";

/** A service or a view that the module exports. */
export interface LoadedSelection {
  readonly name: string;
  readonly selection: Selection<unknown, unknown>;
  /** The feature names, in order. */
  readonly features: readonly string[];
  /** The entity keys that a request needs. */
  readonly keys: readonly ColumnSpec[];
  readonly sources: readonly SourceSpec[];
}

/**
 * Loads the service or view of this name.
 * @throws DEFINITIONS_NOT_FOUND when the file does not exist.
 * @throws DEFINITIONS_NOT_LOADED when the module throws.
 * @throws SERVICE_UNKNOWN when the module exports no service or view of this name.
 * @throws DEFINITION_CONFLICT when the definitions contradict each other.
 */
export async function loadSelection(file: string, name: string): Promise<LoadedSelection> {
  const exports = await loadExports(file);
  const definitions = collectDefinitions(exports);
  const selection =
    exportNamed(exports, name, specOfService) ?? exportNamed(exports, name, specOfAnyView);
  if (selection === undefined) {
    throw serviceUnknown(
      file,
      name,
      exports,
      [...definitions.services.keys()],
      [...definitions.views.keys(), ...definitions.derivedViews.keys()],
    );
  }
  const selected = selectedFeatures(selection, `"${name}"`);
  return {
    name,
    selection,
    features: selected.map(({ as }) => as),
    keys: keysNeeded(selected),
    sources: sourcesOf(selected),
  };
}

function serviceUnknown(
  file: string,
  name: string,
  exports: ModuleExports,
  services: readonly string[],
  views: readonly string[],
): TidemarkError {
  const all = [...services, ...views];
  const exported = Object.hasOwn(exports, name) ? { [name]: exports[name] } : {};
  const called = all.find(
    (one) => exportNamed(exported, one, specOfService) ?? exportNamed(exported, one, specOfAnyView),
  );
  const hint =
    called === undefined
      ? didYouMean(name, all)
      : `; the export of that name is called "${called}"`;
  const list = (what: string, names: readonly string[]): string =>
    `${what} ${names.length === 0 ? "none" : names.join(", ")}`;
  return new TidemarkError(
    "SERVICE_UNKNOWN",
    `${file}: no service or view is called "${name}"${hint} (${list("services:", services)}; ` +
      `${list("views:", views)})`,
  );
}

async function loadExports(file: string): Promise<ModuleExports> {
  const loaded = await loadModule(file);
  if (loaded.kind === "loaded") return loaded.exports;
  if (loaded.kind === "not found")
    throw new TidemarkError(
      "DEFINITIONS_NOT_FOUND",
      `${file}: ${loaded.why}; give the module that exports your definitions, such as features.ts`,
    );
  throw new TidemarkError("DEFINITIONS_NOT_LOADED", `${file}: it does not load: ${loaded.why}`, {
    cause: loaded.cause,
  });
}

/** The export of this name that `read` accepts. */
function exportNamed(
  exports: ModuleExports,
  name: string,
  read: (value: unknown) => { readonly name: string },
): Selection<unknown, unknown> | undefined {
  return Object.values(exports).find((value): value is Selection<unknown, unknown> => {
    try {
      return read(value).name === name;
    } catch {
      return false; // another kind of definition, or none
    }
  });
}
