/**
 * Applies definitions to a lake: LAKE WHO NAME [KILL | READY…]. KILL names where the process is
 * killed: `before-save`, `temporary-written` or `after-save`. With two READY files, the program
 * makes the first after reading what was applied. Then the program waits for the second before it
 * writes.
 */
import { existsSync, writeFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { entity, isTidemarkError, openStore, string } from "@tidemark/core";
import type { RegistryStore } from "@tidemark/core/spi";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";

const [lake, who, name, first, second] = process.argv.slice(2) as [
  string,
  string,
  string,
  string | undefined,
  string | undefined,
];
const die = (): void => {
  process.kill(process.pid, "SIGKILL");
};
const kill = second === undefined ? first : undefined;
const store = deltaOfflineStore(
  localObjects(lake, {
    failpoint: () => {
      if (kill === "temporary-written") die();
    },
  }),
);
const registry: RegistryStore = {
  load: (options) => store.registry!.load(options),
  async save(snapshot, options) {
    if (kill === "before-save") die();
    if (second !== undefined) {
      writeFileSync(first!, "");
      while (!existsSync(second)) await setTimeout(5);
    }
    const outcome = await store.registry!.save(snapshot, options);
    if (kill === "after-save") die();
    return outcome;
  },
};
const definitions = {
  shared: entity("shared", { keys: { id: string() } }),
  own: entity(name, { keys: { [name]: string() } }),
};
const opened = await openStore({
  definitions,
  offline: { ...store, registry },
  onDefinitionMismatch: "ignore",
});
console.log(
  await opened.apply({ by: who }).then(
    ({ version }) => `applied as ${version}`,
    (error: unknown) =>
      isTidemarkError(error) ? `${error.code}: ${error.message}` : String(error),
  ),
);
