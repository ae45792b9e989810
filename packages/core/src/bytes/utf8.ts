/**
 * Converts text to UTF-8 and back. Half of a surrogate pair has no UTF-8. It is replaced by its
 * JSON escape as text, so that different texts stay different on every path.
 */
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const LONE_SURROGATE = /\p{Surrogate}/u;
const LONE_SURROGATES = /\p{Surrogate}/gu;

/**
 * Replaces each half of a surrogate pair by its JSON escape: six characters such as `\ud83d`. All
 * other text stays as it is. Every reader of values uses this function.
 *
 * @example
 * wellFormedText("pay \ud83d"); // "pay \\ud83d"
 */
export function wellFormedText(text: string): string {
  if (!LONE_SURROGATE.test(text)) return text;
  return text.replace(LONE_SURROGATES, (half) => `\\u${half.charCodeAt(0).toString(16)}`);
}

/**
 * Writes the text at `at` and returns the end. Three bytes per UTF-16 unit must be free. The result
 * is −1 if the text holds half of a surrogate pair.
 */
export function writeUtf8(bytes: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) {
      bytes[at++] = unit;
      continue;
    }
    const point = unit >= 0xd800 && unit < 0xdc00 ? text.codePointAt(i)! : unit;
    if (point < 0x800) {
      bytes[at++] = 0xc0 | (point >> 6);
    } else {
      if (point < 0x10000) {
        if (point >= 0xd800 && point < 0xe000) return -1;
        bytes[at++] = 0xe0 | (point >> 12);
      } else {
        bytes[at++] = 0xf0 | (point >> 18);
        bytes[at++] = 0x80 | ((point >> 12) & 63);
        i++;
      }
      bytes[at++] = 0x80 | ((point >> 6) & 63);
    }
    bytes[at++] = 0x80 | (point & 63);
  }
  return at;
}

/** Encodes a text as UTF-8, with `wellFormedText`. */
export function encodeUtf8(text: string): Uint8Array {
  return encoder.encode(wellFormedText(text));
}

/** Decodes UTF-8. Bytes that are no UTF-8 become U+FFFD. */
export function decodeUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
