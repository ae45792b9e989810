/**
 * FNV-1a over UTF-16 units: an unsigned 32-bit number.
 * It decides where rows lie in users' files, so it never changes.
 */
export function fnv1a(text: string, start = 0x811c9dc5): number {
  let value = start;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}
