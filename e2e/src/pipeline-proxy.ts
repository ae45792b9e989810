/** A TCP proxy that delays data and breaks some connections. */
import type { Random } from "@tidemark/testkit";
import { connect, createServer, type Socket } from "node:net";
import type { AddressInfo } from "node:net";

export interface SlowProxy {
  readonly endpoint: string;
  /** The numbers of connections that were made and that were broken. */
  readonly connections: number;
  readonly brokenConnections: number;
  close(): Promise<void>;
}

/**
 * Starts a proxy. Each piece of data waits for up to `delay` ms. With the probability `breaks` the
 * connection ends instead.
 */
export async function slowProxy(
  target: string,
  random: Random,
  { delay, breaks }: { readonly delay: number; readonly breaks: number },
): Promise<SlowProxy> {
  const { hostname, port } = new URL(target);
  const open = new Set<Socket>();
  let [connections, broken] = [0, 0];
  const server = createServer((client) => {
    connections++;
    const upstream = connect(Number(port), hostname);
    const end = (): void => {
      for (const socket of [client, upstream]) socket.destroy();
    };
    const pass = (from: Socket, to: Socket): void => {
      open.add(from);
      from.on("error", end).on("close", () => {
        open.delete(from);
        end();
      });
      from.on("data", (chunk) => {
        from.pause();
        setTimeout(() => {
          if (random.chance(breaks)) {
            broken++;
            end();
          } else {
            to.write(chunk);
            from.resume();
          }
        }, random.int(delay));
      });
    };
    pass(client, upstream);
    pass(upstream, client);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return connections;
    },
    get brokenConnections() {
      return broken;
    },
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
