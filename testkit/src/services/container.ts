/**
 * Runs a service as a container, at ports of this machine that were chosen before, so that a
 * restart has the same address.
 */
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { GenericContainer, getContainerRuntimeClient, type WaitStrategy } from "testcontainers";
import { LogRing } from "./log-ring.ts";
import type { Service } from "./service.ts";

/** How a container is started. */
export interface ContainerOptions {
  /** The name in messages, and the host name in the network, such as `kafka`. */
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[] | undefined;
  readonly env?: Readonly<Record<string, string | number>> | undefined;
  /** Ports of the container, and the ports of this machine that lead to them. */
  readonly ports: readonly { readonly container: number; readonly host: number }[];
  /** Texts of files in the container, by path. */
  readonly files?: Readonly<Record<string, string>> | undefined;
  /** The memory limit in GiB. Default: none. */
  readonly memory?: number | undefined;
  /**
   * Polled until it returns true. `log` is the last part of the program's output since its start.
   */
  readonly ready: (log: string) => boolean | Promise<boolean>;
  /** The seconds after which a program that is not ready has failed. Default: 300. */
  readonly readyTimeout?: number | undefined;
}

/** A container whose ports are reachable from this machine only. */
class LocalContainer extends GenericContainer {
  bind(ports: ContainerOptions["ports"]): this {
    this.withExposedPorts(...ports);
    this.hostConfig.PortBindings = Object.fromEntries(
      ports.map(({ container, host }) => [
        `${container}/tcp`,
        [{ HostIp: "127.0.0.1", HostPort: String(host) }],
      ]),
    );
    return this;
  }
}

/**
 * Starts the container on the network and waits until it is ready. A container that is not ready is
 * removed, and the error shows its last output.
 */
export async function container(network: string, options: ContainerOptions): Promise<Service> {
  const {
    name,
    image,
    command,
    env = {},
    ports,
    files = {},
    memory,
    ready,
    readyTimeout = 300,
  } = options;
  const client = await getContainerRuntimeClient();
  let log = new LogRing();
  const follow = (stream: Readable): void => {
    const notify = log;
    stream
      .setEncoding("utf8")
      .on("data", (text: string) => {
        notify.add(text);
      })
      .on("error", () => undefined);
  };

  const untilReady = async ({ id }: { readonly id: string }): Promise<void> => {
    const failed = (why: string): Error =>
      new Error(`${name} ${why}; it printed last:\n${log.text()}`);
    const deadline = performance.now() + readyTimeout * 1000;
    while (!(await ready(log.text()))) {
      const { State } = await client.container.inspect(client.container.getById(id));
      // its last output may still be on its way
      if (!State.Running) throw (await sleep(200), failed(`ended with code ${State.ExitCode}`));
      if (performance.now() > deadline) throw failed(`was not ready after ${readyTimeout} s`);
      await sleep(100);
    }
  };
  const waiting: WaitStrategy = {
    waitUntilReady: untilReady,
    withStartupTimeout: () => waiting,
    isStartupTimeoutSet: () => true,
    getStartupTimeout: () => readyTimeout * 1000,
  };

  const building = new LocalContainer(image)
    .bind(ports)
    .withLabels({ "tidemark.network": network })
    .withNetworkMode(network)
    .withNetworkAliases(name)
    .withEnvironment(
      Object.fromEntries(Object.entries(env).map(([key, value]) => [key, String(value)])),
    )
    .withCopyContentToContainer(
      Object.entries(files).map(([target, content]) => ({ target, content })),
    )
    .withLogConsumer(follow)
    .withWaitStrategy(waiting);
  if (memory !== undefined) building.withResourcesQuota({ memory });
  if (command !== undefined) building.withCommand([...command]);
  const started = client.container.getById((await building.start()).getId());

  return {
    name,
    log: () => log.text(),
    async halt(signal) {
      if (signal === undefined) return client.container.stop(started, { timeout: 20_000 });
      await started.kill({ signal });
      await started.wait();
    },
    async resume() {
      if ((await client.container.inspect(started)).State.Running) return;
      log = new LogRing();
      await client.container.start(started);
      const { State } = await client.container.inspect(started);
      follow(await client.container.logs(started, { since: Date.parse(State.StartedAt) / 1000 }));
      await untilReady(started);
    },
    async stop() {
      await started.remove({ force: true, v: true });
    },
  };
}
