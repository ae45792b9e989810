/**
 * The public images of the services, as in docker/compose.yaml, and whether this machine can use
 * them.
 */
import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";

/** The image of each service. */
export const images = {
  postgres: "postgres:15",
  kafka: "apache/kafka:4.3.1",
  connect: "quay.io/debezium/connect:3.6.1.Final",
  minio: "quay.io/minio/minio:RELEASE.2025-09-07T16-13-09Z",
  trino: "trinodb/trino:476",
} as const;

const docker = (...args: readonly string[]): boolean =>
  spawnSync("docker", args, { stdio: "ignore", timeout: 20_000 }).status === 0;

/** Returns null if a Docker engine answers; otherwise what to do. */
export function missingForDocker(): string | null {
  return docker("version", "--format", "{{.Server.Version}}")
    ? null
    : "no Docker engine that answers; install and start one";
}

/** Returns whether `docker compose` runs. */
export function composeAnswers(): boolean {
  return docker("compose", "version");
}

/** Returns the services' images that are not on this machine. */
export function absentImages(): readonly string[] {
  return Object.values(images).filter((image) => !docker("image", "inspect", image));
}

/**
 * Pulls the images, which may take minutes. An error names the image that cannot be pulled, and the
 * reason.
 */
export async function pullImages(
  names: readonly string[],
  onPull: (image: string) => void,
): Promise<void> {
  for (const image of names) {
    onPull(image);
    await promisify(execFile)("docker", ["pull", "--quiet", image]).catch(
      (error: { readonly stderr?: string }) => {
        throw new Error(
          `docker: the image ${image} is not on this machine and can't be pulled: ` +
            `${(error.stderr ?? String(error)).trim()}`,
          { cause: error },
        );
      },
    );
  }
}
