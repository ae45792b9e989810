/**
 * Installs a Docker engine, `docker compose` and the images of the services. The images are pulled
 * if an image registry answers. Otherwise, with apt (as root, in CI), ../shared/images beside this
 * checkout builds stand-ins if it exists. The stand-ins hold the real programs under the public
 * names.
 */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import {
  absentImages,
  composeAnswers,
  missingForDocker,
  pullImages,
} from "@tidemark/testkit/services/images";
import { goProgram } from "@tidemark/testkit/services/minio";
import { root, run } from "./checks/step.ts";

const standIns = join(root, "..", "shared", "images");

async function standIn(script: string, ...args: readonly string[]): Promise<void> {
  const go = await goProgram();
  const env = {
    ...process.env,
    PATH: [...(go === null || go === "go" ? [] : [dirname(go)]), process.env["PATH"]].join(
      delimiter,
    ),
  };
  // the engine that it starts has its own session and log, so this process does not wait for it
  const { code, output } = await run("bash", [join(standIns, script), ...args], { env });
  console.log(output.trimEnd().replace(/^/gm, "  "));
  if (code !== 0) throw new Error(`${script} of the stand-in images failed; its output is above`);
}

/** The files in which a Docker engine keeps the process ids of its programs. */
const pidFiles = [
  ["/var/run/docker.pid", "dockerd"],
  ["/var/run/docker/containerd/containerd.pid", "containerd"],
] as const;

/**
 * Removes the process ids of an engine that was killed. Another process may have them now, and
 * then a new engine does not start.
 */
function forgetKilledEngine(): void {
  for (const [file, program] of pidFiles) {
    if (!existsSync(file)) continue;
    const comm = `/proc/${readFileSync(file, "utf8").trim()}/comm`;
    if (!existsSync(comm) || readFileSync(comm, "utf8").trim() !== program) rmSync(file);
  }
}

const registryAnswers = (): Promise<boolean> =>
  fetch("https://registry-1.docker.io/v2/", { signal: AbortSignal.timeout(10_000) }).then(
    ({ status }) => status === 200 || status === 401,
    () => false,
  );

export async function setUpDocker(): Promise<void> {
  const mayInstall =
    existsSync(join(standIns, "build.sh")) &&
    process.getuid?.() === 0 &&
    process.env["CI"] === "true";
  const refused = (why: string): Error => new Error(`for the suites on containers: ${why}`);

  const missing = missingForDocker();
  if (missing !== null && !mayInstall) throw refused(missing);
  if (missing !== null) {
    forgetKilledEngine();
    await standIn("start-docker.sh", "--no-compose");
  }

  const absent = absentImages();
  if (absent.length > 0) {
    if (!mayInstall || (await registryAnswers()))
      await pullImages(absent, (image) => {
        console.log(`tidemark: pulling ${image} …`);
      });
    else await standIn("build.sh", "postgres", "kafka", "connect", "minio", "trino");
  }

  if (!composeAnswers()) {
    if (!mayInstall) throw refused("no `docker compose`; install its plugin");
    await standIn("start-docker.sh");
  }
}
