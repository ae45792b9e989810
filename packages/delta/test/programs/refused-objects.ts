/**
 * Writes a large object where writing is refused, and prints the error. As root the program becomes
 * the user nobody first.
 */
import { isTidemarkError } from "@tidemark/core";
import { localObjects } from "@tidemark/delta";

const objects = localObjects(process.argv[2]!);
if (process.getuid?.() === 0 && process.argv[3] !== undefined) process.setuid!(65_534);
try {
  await objects.put("large", new Uint8Array(1_000_000));
  console.log("it was written");
} catch (error) {
  console.log(isTidemarkError(error) ? `${error.code}: ${error.message}` : error);
}
