/** Shows the first bytes of messages that could not be decoded, which the history keeps. */
import { toHex } from "../bytes/bytes-text.ts";
import { MASKED } from "../explain/masking.ts";
import { keptMessages, placeKey } from "../retry/kept-messages.ts";
import type { MessagePlace } from "../rows/retried.ts";
import type { SourceSpec } from "../specs.ts";
import type { OfflineStore } from "../spi.ts";

/** The first bytes of a key or of a value, as text. */
export interface BytesText {
  /** The text, or hexadecimal digits. Of a source with personal columns it may be masked. */
  readonly text: string;
  /** "utf-8": the bytes are text. "hex": they are not. */
  readonly encoding: "utf-8" | "hex";
  /** The number of all bytes. The text has at most the first 2,000, and 1,000 in hexadecimal. */
  readonly size: number;
}

/** The bytes of a message that could not be decoded. */
export interface MessageBytes {
  /** null: the message has no key. */
  readonly key: BytesText | null;
  /** null: the message has no value. */
  readonly value: BytesText | null;
}

/** The most bytes that are shown as text. */
const MOST_TEXT_BYTES = 2000;
/** The most bytes that are shown as hexadecimal digits. */
const MOST_HEX_BYTES = 1000;
/** Control characters, but tabs and line breaks: no text of people has them. */
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/;

/** Shows bytes as text where they are UTF-8, and as hexadecimal digits otherwise. */
function bytesText(bytes: Uint8Array): BytesText {
  const text = textOf(bytes.subarray(0, MOST_TEXT_BYTES), bytes.length > MOST_TEXT_BYTES);
  return text === null
    ? { text: toHex(bytes.subarray(0, MOST_HEX_BYTES)), encoding: "hex", size: bytes.length }
    : { text, encoding: "utf-8", size: bytes.length };
}

/** The text; null: it is none. `isCut`: the last character may be incomplete. */
function textOf(bytes: Uint8Array, isCut: boolean): string | null {
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    const text = decoder.decode(bytes, { stream: isCut });
    return CONTROL.test(text) ? null : text;
  } catch {
    return null;
  }
}

/** The message without what it says. */
export function maskedBytes({ key, value }: MessageBytes): MessageBytes {
  const masked = (one: BytesText | null): BytesText | null =>
    one === null ? null : { ...one, text: MASKED };
  return { key: masked(key), value: masked(value) };
}

/** Finds the bytes of a message. A message without a generation is that of the newest one. */
export type FindBytes = (place: MessagePlace, generation?: number) => MessageBytes | null;

/** Reads the bytes of messages at these places from the history. */
export async function readBytes(
  source: SourceSpec,
  places: readonly MessagePlace[],
  options: { readonly offline: OfflineStore; readonly signal?: AbortSignal | undefined },
): Promise<FindBytes> {
  if (places.length === 0) return () => null;
  const wanted = new Set(places.map(placeKey));
  const offsets = { min: Infinity, max: -Infinity };
  for (const { offset } of places) {
    offsets.min = Math.min(offsets.min, offset);
    offsets.max = Math.max(offsets.max, offset);
  }
  const found = new Map<string, Map<number, MessageBytes>>();
  for await (const message of keptMessages(source, { ...options, offsets })) {
    const place = placeKey(message);
    if (!wanted.has(place)) continue;
    const { key, value, generation } = message;
    const shown = {
      key: key === null ? null : bytesText(key),
      value: value === null ? null : bytesText(value),
    };
    found.set(place, (found.get(place) ?? new Map<number, MessageBytes>()).set(generation, shown));
  }
  return (place, generation) => {
    const ofPlace = found.get(placeKey(place));
    if (ofPlace === undefined) return null;
    return ofPlace.get(generation ?? Math.max(...ofPlace.keys())) ?? null;
  };
}
