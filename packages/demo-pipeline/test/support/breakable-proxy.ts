/** A proxy to a server that can be closed. */
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export interface BreakableProxy {
  readonly port: number;
  /** Cuts every connection, including new ones. */
  refuse(): void;
  allow(): void;
  close(): Promise<void>;
}

export async function breakableProxy({
  host,
  port,
}: {
  readonly host: string;
  readonly port: number;
}): Promise<BreakableProxy> {
  let open = true;
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket
      .on("error", () => {
        socket.destroy();
      })
      .on("close", () => {
        sockets.delete(socket);
      });
  };
  const server = createServer((client) => {
    keep(client);
    if (!open) {
      client.destroy();
      return;
    }
    const there = connect(port, host);
    keep(there);
    client.pipe(there).pipe(client);
    client.on("close", () => {
      there.destroy();
    });
    there.on("close", () => {
      client.destroy();
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    refuse() {
      open = false;
      cut();
    },
    allow() {
      open = true;
    },
    async close() {
      cut();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
