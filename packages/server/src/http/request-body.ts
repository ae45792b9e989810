/**
 * Receives the bodies of requests. A body is JSON whatever its content type says, unless the type
 * names another format: Feast's examples send JSON with `curl -d` and with no content type at all.
 */
import { TidemarkError } from "@tidemark/core";
import type { FastifyRequest } from "fastify";
import type { Limits } from "../options/limits.ts";
import { exactBody } from "./exact-body.ts";

/** Matches the types of JSON. */
const JSON_TYPE = /^(?:application|text)\/(?:[a-z0-9.+-]+\+)?json$/;
/** The types that curl and Python's clients send for any text. The empty type: no header. */
const TEXT_TYPES: ReadonlySet<string> = new Set([
  "",
  "text/plain",
  "application/x-www-form-urlencoded",
  "application/octet-stream",
]);
/** The character sets that are UTF-8. */
const UTF8: ReadonlySet<string> = new Set(["utf-8", "utf8", "us-ascii"]);

/** Parses the body of a request, as a content type parser of Fastify. */
export type BodyParser = (
  request: FastifyRequest,
  payload: NodeJS.ReadableStream,
  done: (error: Error | null, body?: unknown) => void,
) => void;

/**
 * Makes the parser of bodies. Bodies that are not complete share `limits.bodyBytesInFlight`.
 *
 * - MEDIA_TYPE_UNKNOWN: the header names a format other than JSON, or an encoding such as gzip.
 * - BODY_TOO_LARGE: the body is larger than `limits.bodyBytes`.
 * - SERVER_BUSY: the bodies that arrive now are larger than `limits.bodyBytesInFlight`.
 * - REQUEST_INVALID: the body is not JSON, or shorter or longer than its header says.
 */
export function bodyParser({ bodyBytes, bodyBytesInFlight }: Limits): BodyParser {
  let inFlight = 0;
  return (request, payload, done) => {
    const refused = refusalOf(request);
    if (refused !== null) {
      done(refused);
      return;
    }
    const announced = request.headers["content-length"];
    const expected = announced === undefined ? null : Number(announced);
    if (expected !== null && expected > bodyBytes) {
      done(tooLarge(bodyBytes));
      return;
    }
    const python = request.routeOptions.config.python === true;
    let chunks: Buffer[] = [];
    let received = 0;
    const finish = (error: Error | null): void => {
      payload.removeListener("data", onData);
      payload.removeListener("end", onEnd);
      payload.removeListener("error", finish);
      payload.removeListener("close", onClose);
      inFlight -= received;
      if (error === null) {
        const bytes = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
        try {
          done(null, bytes.length === 0 ? undefined : exactBody(bytes, { python }));
        } catch (cause) {
          done(isMarkedAsJson(request) ? (cause as Error) : notJson(request));
        }
      } else done(error);
      chunks = [];
    };
    const onData = (chunk: Buffer): void => {
      received += chunk.length;
      inFlight += chunk.length;
      chunks.push(chunk);
      if (received > bodyBytes) finish(tooLarge(bodyBytes));
      else if (inFlight > bodyBytesInFlight)
        finish(
          new TidemarkError(
            "SERVER_BUSY",
            `the server: the bodies that arrive now are larger than ${bodyBytesInFlight} bytes, ` +
              "its limits.bodyBytesInFlight; repeat the request after a second",
          ),
        );
    };
    const onEnd = (): void => {
      finish(expected === null || expected === received ? null : wrongLength());
    };
    const onClose = (): void => {
      finish(wrongLength());
    };
    payload.on("data", onData);
    payload.on("end", onEnd);
    payload.on("error", finish);
    payload.on("close", onClose);
  };
}

/** Makes the error of a body that is too large. */
function tooLarge(bodyBytes: number): TidemarkError {
  return new TidemarkError(
    "BODY_TOO_LARGE",
    `the body is larger than ${bodyBytes} bytes; ` +
      "send several requests, or raise limits.bodyBytes of the server",
  );
}

function wrongLength(): TidemarkError {
  return new TidemarkError(
    "REQUEST_INVALID",
    "the body is not as long as its header Content-Length; send the right length",
  );
}

function refusalOf({ headers }: FastifyRequest): TidemarkError | null {
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding.trim().toLowerCase() !== "identity")
    return mediaTypeUnknown(
      `the body is encoded (Content-Encoding: ${shown(encoding)}); send the JSON itself`,
    );
  const { mediaType, parameters } = contentType(headers);
  if (!JSON_TYPE.test(mediaType) && !TEXT_TYPES.has(mediaType))
    return mediaTypeUnknown(
      `the body is marked as ${shown(mediaType)}; ` +
        "send JSON with the header Content-Type: application/json",
    );
  for (const parameter of parameters) {
    const charset = /^\s*charset\s*=\s*"?([^"\s]+)"?\s*$/.exec(parameter)?.[1];
    if (charset !== undefined && !UTF8.has(charset))
      return mediaTypeUnknown(
        `the body is in the character set ${shown(charset)}; send JSON in UTF-8`,
      );
  }
  return null;
}

function contentType(headers: FastifyRequest["headers"]): {
  readonly mediaType: string;
  readonly parameters: readonly string[];
} {
  const [type = "", ...parameters] = (headers["content-type"] ?? "").toLowerCase().split(";");
  return { mediaType: type.trim(), parameters };
}

/** Whether the caller says that the body is JSON, or says nothing. */
function isMarkedAsJson({ headers }: FastifyRequest): boolean {
  const { mediaType } = contentType(headers);
  return mediaType === "" || JSON_TYPE.test(mediaType);
}

function notJson({ headers }: FastifyRequest): TidemarkError {
  return mediaTypeUnknown(
    `the body is marked as ${shown(contentType(headers).mediaType)} and is not JSON; ` +
      "send JSON with the header Content-Type: application/json",
  );
}

function mediaTypeUnknown(message: string): TidemarkError {
  return new TidemarkError("MEDIA_TYPE_UNKNOWN", message);
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
