/**
 * The network of the containers of one pipeline. The containers reach one another by name, and are
 * removed when this process ends.
 */
import { randomBytes } from "node:crypto";
import { getContainerRuntimeClient } from "testcontainers";
import { type ContainerOptions, container } from "./container.ts";
import { removeAtExit } from "./guard.ts";
import type { Service } from "./service.ts";

/** A network of containers. */
export interface Network {
  /** The name of the network, and the value of the label `tidemark.network` of everything in it. */
  readonly id: string;
  /** Starts a container on the network. */
  container(options: ContainerOptions): Promise<Service>;
  /** Removes the network, after its containers. */
  stop(): Promise<void>;
}

/** Makes a network. */
export async function startNetwork(): Promise<Network> {
  // Our guard survives a kill as Ryuk does, and needs no image, which not every machine can pull.
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
