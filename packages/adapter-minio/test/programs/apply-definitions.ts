/**
 * Applies an entity of the given name to the registry in a bucket. The program prints when the
 * registry was read, and writes on a command.
 */
import { once } from "node:events";
import { entity, isTidemarkError, openStore, string } from "@tidemark/core";
import { deltaOfflineStore } from "@tidemark/delta";
import { s3Objects, type S3ObjectsOptions } from "../../src/index.ts";

const [options, name] = process.argv.slice(2) as [string, string];
const store = deltaOfflineStore(s3Objects(JSON.parse(options) as S3ObjectsOptions));
const offline = {
  ...store,
  registry: {
    load: store.registry!.load,
    async save(...args: Parameters<NonNullable<typeof store.registry>["save"]>) {
      console.log("ready");
      await once(process.stdin, "data");
      return store.registry!.save(...args);
    },
  },
};
const opened = await openStore({
  definitions: { own: entity(name, { keys: { id: string() } }) },
  offline,
  onDefinitionMismatch: "ignore",
});
console.log(
  await opened.apply({ by: name }).then(
    ({ version }) => `applied as ${version}`,
    (error: unknown) =>
      isTidemarkError(error) ? `${error.code}: ${error.message}` : String(error),
  ),
);
process.stdin.destroy(); // neither the client nor its sockets keep the process alive
