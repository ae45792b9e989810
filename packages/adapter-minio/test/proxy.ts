/** A real HTTP proxy in front of MinIO that behaves as networks, proxies and other servers do. */
import {
  createServer,
  type IncomingMessage,
  request as send,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/**
 * What the proxy does with one request.
 *
 * - `pass` forwards the request.
 * - `lose the answer` forwards the request, and closes the connection when the answer arrives.
 * - `break off` sends half of the content and closes the connection.
 * - `halt` sends half of the content and then nothing more.
 * - `refuse` closes the connection and forwards nothing.
 * - `stall` forwards nothing and never answers.
 * - A number answers with this status.
 * - `strip` forwards without `If-None-Match`, and without the signature that covers it.
 */
export type Fault =
  | "pass"
  | "lose the answer"
  | "break off"
  | "halt"
  | "refuse"
  | "stall"
  | "strip"
  | number;

export interface Proxy {
  readonly endpoint: string;
  /** Method and path with query of the received requests, in order. */
  readonly seen: string[];
  /** The faults of the next requests. After them every request is a `pass`. */
  plan(...faults: readonly Fault[]): void;
}

export async function proxyTo(
  target: string,
  always: (request: IncomingMessage) => Fault = () => "pass",
): Promise<Proxy> {
  const planned: Fault[] = [];
  const seen: string[] = [];
  const server = createServer((incoming, outgoing) => {
    seen.push(`${incoming.method} ${incoming.url}`);
    const fault = planned.shift() ?? always(incoming);
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
    });
    incoming.on("end", () => {
      handle(target, fault, incoming, Buffer.concat(chunks), outgoing);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  });
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    plan: (...faults) => {
      planned.push(...faults);
    },
  };
}

function handle(
  target: string,
  fault: Fault,
  incoming: IncomingMessage,
  body: Buffer,
  outgoing: ServerResponse,
): void {
  if (fault === "stall") return;
  if (fault === "refuse") {
    outgoing.destroy();
    return;
  }
  if (typeof fault === "number") {
    outgoing.writeHead(fault).end();
    return;
  }
  const headers = { ...incoming.headers };
  if (fault === "strip")
    for (const name of ["if-none-match", "authorization"]) delete headers[name];
  const forward = send(
    new URL(incoming.url!, target),
    { method: incoming.method!, headers },
    (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
      });
      answer.on("end", () => {
        if (fault === "lose the answer") {
          outgoing.destroy();
          return;
        }
        const content = Buffer.concat(chunks);
        outgoing.writeHead(answer.statusCode!, answer.headers);
        if (fault !== "break off" && fault !== "halt") {
          outgoing.end(content);
          return;
        }
        outgoing.write(content.subarray(0, content.length >> 1), () => {
          if (fault === "break off") outgoing.destroy();
        });
      });
    },
  );
  forward.on("error", () => {
    outgoing.destroy();
  });
  forward.end(body);
}
