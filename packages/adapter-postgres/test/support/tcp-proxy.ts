/** A TCP proxy in front of PostgreSQL, whose target may change and whose connections may break. */
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export interface TcpProxy {
  readonly port: number;
  /** Where new connections go. */
  target: number;
  /** Called with what a client sends, before PostgreSQL gets it. */
  onSend: ((sent: Buffer) => void) | null;
  /** If true, nothing that PostgreSQL answers arrives any more. */
  isDeaf: boolean;
  /** Breaks every connection. */
  breakAll(): void;
  close(): Promise<void>;
}

export async function tcpProxy(target: number): Promise<TcpProxy> {
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(proxy.target, "127.0.0.1");
    const end = (): void => {
      for (const socket of [client, upstream]) socket.destroy();
    };
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on("error", end).on("close", () => {
        open.delete(socket);
        end();
      });
    }
    client.on("data", (sent) => {
      upstream.write(sent);
      proxy.onSend?.(sent);
    });
    upstream.on("data", (answer) => {
      if (!proxy.isDeaf) client.write(answer);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const proxy: TcpProxy = {
    port: (server.address() as AddressInfo).port,
    target,
    onSend: null,
    isDeaf: false,
    breakAll() {
      for (const socket of open) socket.destroy();
    },
    async close() {
      proxy.breakAll();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
  return proxy;
}
