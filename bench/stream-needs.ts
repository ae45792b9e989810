/**
 * Checks that the real services of the stream benchmarks are installed. Otherwise it prints the
 * command that installs them, and ends with code 2.
 */
import { minioProgram } from "@tidemark/testkit/services/minio";
import { missingForKafka, missingForPostgres } from "@tidemark/testkit/services/toolchain";

export function needMinio(): string | null {
  return minioProgram() === null ? "no MinIO; `npm run setup:services` builds one, with Go" : null;
}

export { missingForKafka as needKafka, missingForPostgres as needPostgres };

/** Ends the process if a service is missing. */
export function exitIfMissing(...missing: readonly (string | null)[]): void {
  const words = missing.filter((one) => one !== null);
  if (words.length === 0) return;
  for (const one of words) console.error(`this benchmark needs real services: ${one}`);
  process.exit(2);
}
