/** Hashes texts, for names that are equal in every process. */
import { nodeCrypto } from "./node-modules.ts";

/** Returns 128 bits of the SHA-256 of a text, as hexadecimal digits. */
export function textHash(text: string): string {
  return nodeCrypto().createHash("sha256").update(text).digest("hex").slice(0, 32);
}
