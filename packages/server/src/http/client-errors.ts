/** Answers requests that are no HTTP, too large in their head, or too slow: no route sees them. */
import type { Socket } from "node:net";
import { TidemarkError } from "@tidemark/core";

/** The error of a request whose body does not arrive, as Node gives it. */
export const BODY_TIMED_OUT: NodeJS.ErrnoException = Object.assign(
  new Error("the body does not arrive"),
  { code: "ERR_HTTP_REQUEST_TIMEOUT" },
);
/** The connections of bodies whose routes end those that do not arrive. */
export const slowBodies: WeakSet<Socket> = new WeakSet();

/** Writes the answer, and closes the connection. */
export function answerClientError(cause: NodeJS.ErrnoException, socket: Socket): void {
  if (cause.code === "ERR_HTTP_REQUEST_TIMEOUT" && slowBodies.has(socket)) return;
  if (cause.code === "ECONNRESET" || socket.destroyed) return;
  const [status, error] = answerOf(cause); // its text has nothing of the server
  const body = JSON.stringify({ code: error.code, message: error.message });
  if (socket.writable)
    socket.write(
      `HTTP/1.1 ${status}\r\nContent-Type: application/json; charset=utf-8\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    );
  socket.destroy(cause);
}

function answerOf({ code }: NodeJS.ErrnoException): readonly [string, TidemarkError] {
  if (code === "HPE_HEADER_OVERFLOW")
    return [
      "431 Request Header Fields Too Large",
      new TidemarkError(
        "HEADERS_TOO_LARGE",
        "the request: its path and headers are larger than 16384 bytes together; send fewer bytes",
      ),
    ];
  if (code === "ERR_HTTP_REQUEST_TIMEOUT")
    return [
      "408 Request Timeout",
      new TidemarkError(
        "REQUEST_TIMED_OUT",
        "the request: it did not arrive within timeouts.headers and timeouts.request of the " +
          "server; send it faster",
      ),
    ];
  return [
    "400 Bad Request",
    new TidemarkError(
      "REQUEST_INVALID",
      "the request is not HTTP/1.1 as the server reads it; send HTTP/1.1",
    ),
  ];
}
