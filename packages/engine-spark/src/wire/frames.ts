/**
 * Frames of the wire `tidemark-kernel/1`: a kind, a length, and a body. All numbers are
 * little-endian. The length of a body is a multiple of 8, and so is the start of each buffer in it.
 */
import { TidemarkError } from "@tidemark/core";

/** The name of the wire format, which both sides say first. */
export const WIRE_FORMAT = "tidemark-kernel/1";

/** What a frame holds. */
export const FRAME = {
  /** JSON, the first frame of both sides. */
  hello: 1,
  /** Events and entity rows, sorted by entity. */
  rows: 2,
  /** Versions of the rows of a dimension. They come before any rows. */
  dimension: 3,
  /** The answers to entity rows, in their order. */
  answers: 4,
  /** JSON, the last frame of both sides. A stream without one was cut. */
  end: 5,
  /** JSON: why the kernel stopped. */
  error: 6,
} as const;

/** The bytes of the header of a frame: the kind and the length of the body. */
export const HEADER_BYTES = 8;
/** A longer frame is refused. */
export const MAX_FRAME_BYTES: number = 2 ** 30;

/** A frame as it was read. Its body is in memory of its own. */
export interface Frame {
  readonly kind: number;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Returns the error of a frame that is not as the format says. */
export function frameInvalid(what: string): TidemarkError {
  return new TidemarkError(
    "KERNEL_FRAME_INVALID",
    `the stream of ${WIRE_FORMAT} ${what}; run the job again, and report it if it happens again`,
  );
}

/** Puts bytes into a frame, and text as JSON. */
export function frameOf(kind: number, parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const padded = length + (-length & 7);
  if (padded > MAX_FRAME_BYTES) throw frameInvalid(`would need a frame of ${padded} bytes`);
  const frame = new Uint8Array(HEADER_BYTES + padded);
  const header = new DataView(frame.buffer);
  header.setUint32(0, kind, true);
  header.setUint32(4, padded, true);
  let at = HEADER_BYTES;
  for (const part of parts) {
    frame.set(part, at);
    at += part.length;
  }
  return frame;
}

/** Makes a frame of JSON. Spaces fill it up to a multiple of 8. */
export function jsonFrame(kind: number, value: unknown): Uint8Array {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  return frameOf(kind, [bytes, new Uint8Array(-bytes.length & 7).fill(0x20)]);
}

/** Reads the JSON of a frame. */
export function jsonOf({ body }: Frame): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (cause) {
    throw new TidemarkError("KERNEL_FRAME_INVALID", "a frame of JSON cannot be read", { cause });
  }
}

/**
 * Reads the frames of a stream. It ends when the stream ends between two frames.
 *
 * @throws KERNEL_FRAME_INVALID when a frame is cut, or claims to be too long.
 */
export async function* readFrames(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  let into = header;
  let filled = 0;
  let kind = 0;
  for await (const chunk of stream)
    for (let at = 0; at < chunk.length || filled === into.length;) {
      const taken = Math.min(into.length - filled, chunk.length - at);
      into.set(chunk.subarray(at, at + taken), filled);
      filled += taken;
      at += taken;
      if (filled < into.length) break;
      filled = 0;
      if (into === header) {
        const length = view.getUint32(4, true);
        if (length > MAX_FRAME_BYTES) throw frameInvalid(`has a frame of ${length} bytes`);
        if (length % 8 !== 0)
          throw frameInvalid(`has a frame of ${length} bytes, no multiple of 8`);
        kind = view.getUint32(0, true);
        into = new Uint8Array(length);
      } else {
        yield { kind, body: into };
        into = header;
      }
    }
  if (into !== header || filled > 0) throw frameInvalid("ends within a frame");
}
