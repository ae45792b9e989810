/** Starts the services of the real demo, or connects to those of docker/compose.yaml. */
import {
  chooseRuntime,
  composePipeline,
  startPipeline,
  type PipelineAddresses,
} from "@tidemark/testkit/services";
import { buildMinio, goProgram, minioProgram } from "@tidemark/testkit/services/minio";
import {
  downloadKafka,
  downloadTrino,
  hasJava,
  hasMaven,
  missingForKafka,
  missingForPostgres,
  missingForTrino,
  trinoJava,
} from "@tidemark/testkit/services/toolchain";
import { decimals } from "./print.ts";
import type { StepPrinter } from "./steps.ts";

/** Thrown if the services are missing; the message says how to install them. */
export class ServicesMissing extends Error {}

export interface DemoServices extends PipelineAddresses {
  /**
   * True if the demo started the services and stops them. False: they are another's, and what the
   * demo leaves there stays.
   */
  readonly owned: boolean;
  stop(): Promise<void>;
}

export interface ServicesOptions {
  /** Running services. Default: the demo starts its own. */
  readonly against: "compose" | PipelineAddresses | undefined;
  readonly print: StepPrinter;
  readonly signal?: AbortSignal | undefined;
}

export async function demoServices({
  against,
  print,
  signal,
}: ServicesOptions): Promise<DemoServices> {
  if (against === "compose") return composeServices();
  if (against !== undefined) return { ...against, owned: false, stop: async () => undefined };
  const chosen = await chooseRuntime(undefined, (image) => {
    print.line(`pulling ${image} …`);
  });
  print.line(
    `as ${chosen.runtime === "docker" ? "containers" : "processes of this machine"}: ` +
      `${chosen.reason}`,
  );
  if (chosen.runtime === "processes") await installPrograms(chosen.reason, print);
  signal?.throwIfAborted();
  const onReady = (name: string, seconds: number): void => {
    print.line(`${name.padEnd(8)} ready after ${decimals(seconds, 1)} s`);
  };
  const trino = chosen.runtime === "docker" || missingForTrino() === null;
  const pipeline = await startPipeline({
    runtime: chosen.runtime,
    trino,
    onRuntime: () => undefined,
    onReady,
  });
  return { ...pipeline, owned: true, stop: () => pipeline.stop() };
}

async function composeServices(): Promise<DemoServices> {
  const up = "docker compose -f docker/compose.yaml up --detach --wait";
  const addresses = ((): ReturnType<typeof composePipeline> => {
    try {
      return composePipeline();
    } catch (error) {
      throw new ServicesMissing(`demo: ${(error as Error).message}`, { cause: error });
    }
  })();
  await fetch(`${addresses.connect.url}/connectors`).catch((cause: unknown) => {
    throw new ServicesMissing(
      `demo: nobody answers at ${addresses.connect.url}, ` +
        `where docker/compose.yaml has Kafka Connect; start the services with \`${up}\``,
      { cause },
    );
  });
  return { ...addresses, owned: false, stop: async () => undefined };
}

/**
 * Installs the missing programs, once, with the tools of this machine. A program that cannot be
 * installed is an error before anything is downloaded.
 */
async function installPrograms(because: string, print: StepPrinter): Promise<void> {
  const kafka = missingForKafka() !== null;
  const minio = minioProgram() === null;
  const go = minio ? await goProgram() : null;
  const missing = [
    missingForPostgres(),
    !kafka
      ? null
      : !hasJava()
        ? missingForKafka()
        : !hasMaven()
          ? "no Kafka, and no Maven to bring it; install Maven"
          : null,
    minio && (go === null || process.env["TIDEMARK_MINIO"] !== undefined)
      ? "no MinIO, and no Go to build it; " +
        "install Go 1.24 or newer, or name a minio in TIDEMARK_MINIO"
      : null,
  ].filter((one) => one !== null);
  if (missing.length > 0) {
    throw new ServicesMissing(
      [
        "demo: the real services cannot be had on this machine, " +
          "neither as containers nor as processes.",
        `  containers: ${because}`,
        ...missing.map((one) => `  processes:  ${one}`),
        "Start a Docker engine; or install PostgreSQL, Java 17, Maven and Go. " +
          "`npm run demo` without --real needs none of them.",
      ].join("\n"),
    );
  }
  const bring = async (what: string, bringing: () => Promise<void>): Promise<void> => {
    print.line(`bringing ${what} …`);
    await bringing();
  };
  if (kafka) await bring("Kafka, Connect and Debezium from Maven, about 90 MB", downloadKafka);
  if (go !== null)
    await bring("MinIO from its Go module, which compiles for about four minutes", () =>
      buildMinio(go),
    );
  if (missingForTrino() === null) return;
  if (trinoJava() !== null && hasMaven()) await bring("Trino from Maven, 820 MB", downloadTrino);
  else print.line(`without Trino: ${missingForTrino()!}`);
}
