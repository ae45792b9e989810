/** Checks the definitions for the metadata that the configuration requires. */
import { collectDefinitions, TidemarkError } from "@tidemark/core";
import { incompleteDefinitions, type IncompleteDefinition } from "@tidemark/core/internal";
import type { LoadedConfig } from "../config/config-file.ts";

/** Lists the definitions that lack what the configuration requires. */
export function incompleteIn({
  definitions,
  require = [],
}: LoadedConfig): readonly IncompleteDefinition[] {
  return incompleteDefinitions(collectDefinitions(definitions), require);
}

/** Says what a definition lacks. */
export function incompleteText({ kind, name, missing }: IncompleteDefinition): string {
  return `${kind} ${name} has no ${missing.join(", no ")}`;
}

/** @throws METADATA_MISSING when a definition lacks what the configuration requires. */
export function refuseIncomplete(config: LoadedConfig): void {
  const found = incompleteIn(config);
  if (found.length === 0) return;
  throw new TidemarkError(
    "METADATA_MISSING",
    `${config.file}: require: ${found.map(incompleteText).join("; ")}; add them to the ` +
      "definitions, or take them out of require",
  );
}
