/**
 * Converts text to UTF-8 and back. A lone surrogate gets three bytes of its own.
 * A TextEncoder would write U+FFFD for every one of them, and two different strings would become
 * one.
 */
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Writes the text at `at` and returns the end. Three bytes per UTF-16 unit must be free. */
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

/** Encodes a text as UTF-8. */
export function encodeUtf8(text: string): Uint8Array {
  if (!LONE_SURROGATE.test(text)) return encoder.encode(text);
  const bytes = new Uint8Array(text.length * 3);
  return bytes.subarray(0, writeUtf8(bytes, 0, text));
}

/** Decodes UTF-8. Bytes that are no UTF-8 become U+FFFD. */
export function decodeUtf8(bytes: Uint8Array): string {
  const text = decoder.decode(bytes);
  return text.includes("\uFFFD") ? withSurrogates(bytes) : text;
}

function withSurrogates(bytes: Uint8Array): string {
  let text = "";
  let done = 0;
  for (let i = 0; i + 2 < bytes.length; i++) {
    const [second, third] = [bytes[i + 1]!, bytes[i + 2]!];
    // 0xED never continues a character. Followed by 0xA0 or more, it begins a surrogate.
    if (bytes[i] !== 0xed || second < 0xa0 || second > 0xbf || third < 0x80 || third > 0xbf)
      continue;
    text +=
      decoder.decode(bytes.subarray(done, i)) +
      String.fromCharCode(0xd000 | ((second & 63) << 6) | (third & 63));
    i += 2;
    done = i + 1;
  }
  return text + decoder.decode(bytes.subarray(done));
}
