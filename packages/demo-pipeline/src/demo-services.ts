/** The services of the real demo: started here, or those of docker/compose.yaml. */
import { chooseWay, composePipeline, startPipeline, type PipelineAddresses } from "@tidemark/services";
import { minioProgram } from "@tidemark/services/minio";
import { missingForKafka, missingForPostgres } from "../../../services/src/toolchain.ts";
import { decimals } from "./print.ts";
import type { StepPrinter } from "./steps.ts";

/** There are none, and the message says how to get them. */
export class ServicesMissing extends Error {}

export interface DemoServices extends PipelineAddresses {
  /** They are gone afterwards; otherwise somebody else's, and what the demo leaves there stays. */
  readonly own: boolean;
  stop(): Promise<void>;
}

export interface ServicesOptions {
  /** Services that run already; without it they are started. */
  readonly against: "compose" | PipelineAddresses | undefined;
  readonly print: StepPrinter;
  readonly signal?: AbortSignal | undefined;
}

export async function demoServices({ against, print, signal }: ServicesOptions): Promise<DemoServices> {
  if (against === "compose") return composeServices();
  if (against !== undefined) return { ...against, own: false, stop: async () => undefined };
  const chosen = await chooseWay(undefined);
  print.line(`as ${chosen.way === "docker" ? "containers" : "processes of this machine"}: ${chosen.because}`);
  if (chosen.way === "processes") refuseBareMachine(chosen.because);
  signal?.throwIfAborted();
  const onReady = (name: string, seconds: number): void => { print.line(`${name.padEnd(8)} ready after ${decimals(seconds, 1)} s`); };
  const pipeline = await startPipeline({ way: chosen.way, onWay: () => undefined, onReady });
  return { ...pipeline, own: true, stop: () => pipeline.stop() };
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
    throw new ServicesMissing(`demo: nobody answers at ${addresses.connect.url}, where docker/compose.yaml has Kafka Connect; start the services with \`${up}\``, { cause });
  });
  return { ...addresses, own: false, stop: async () => undefined };
}

function refuseBareMachine(because: string): void {
  const missing = [missingForPostgres(), missingForKafka(), minioProgram() === null ? "no MinIO; `npm run setup:services` builds one, with Go" : null].filter((one) => one !== null);
  if (missing.length === 0) return;
  throw new ServicesMissing([
    "demo: the real services cannot be had on this machine, neither as containers nor as processes.",
    `  containers: ${because}`, ...missing.map((one) => `  processes:  ${one}`),
    "Start a Docker engine; or install PostgreSQL, Java 17, Maven and Go, and run `npm run setup:services`. `npm run demo` without --real needs none of them.",
  ].join("\n"));
}
