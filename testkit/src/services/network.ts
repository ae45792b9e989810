/**
 * What the containers of one pipeline share: they reach one another by name, and they go when this
 * process goes.
 */
import { randomBytes } from "node:crypto";
import { getContainerRuntimeClient } from "testcontainers";
import { type ContainerOptions, container } from "./container.ts";
import { removeAtExit } from "./guard.ts";
import type { Service } from "./service.ts";

export interface Network {
  /** Its name, and the value of the label `tidemark.network` of all that belongs to it. */
  readonly id: string;
  /** Starts a container on it. */
  container(options: ContainerOptions): Promise<Service>;
  /** After its containers. */
  stop(): Promise<void>;
}

export async function startNetwork(): Promise<Network> {
  // Ours outlives a kill as theirs does, and needs no image, which not every machine can have.
  // Windows has no shell to run it.
  if (process.platform !== "win32") process.env["TESTCONTAINERS_RYUK_DISABLED"] ??= "true";
  const id = `tidemark-${randomBytes(6).toString("hex")}`;
  const guard = removeAtExit(`tidemark.network=${id}`);
  const client = await getContainerRuntimeClient();
  const network = await client.network.create({ Name: id, Labels: { "tidemark.network": id } });
  return {
    id,
    container: (options) => container(id, options),
    async stop() {
      await client.network.remove(network);
      guard.release();
    },
  };
}
