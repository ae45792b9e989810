/** Starts the services together, and gives their addresses for this process and for each other. */
import { type Connect, startConnect } from "./connect.ts";
import { type Kafka, startKafka } from "./kafka.ts";
import { type Minio, startMinio } from "./minio.ts";
import { type Postgres, startPostgres } from "./postgres.ts";
import type { Service } from "./service.ts";
import { startTrino, type Trino } from "./trino.ts";
import { type ChosenRuntime, chooseRuntime, type ServiceRuntime } from "./runtime.ts";

/** The addresses that a program needs to use the services. */
export interface PipelineAddresses {
  readonly postgres: Pick<Postgres, "host" | "port" | "user" | "password" | "database" | "url">;
  readonly kafka: Pick<Kafka, "brokers">;
  readonly connect: Pick<Connect, "url">;
  readonly minio: Pick<Minio, "endpoint" | "region" | "credentials">;
  /** Present if Trino was requested. */
  readonly trino?: { readonly url: string } | undefined;
  /** The addresses for the services themselves, which differ in containers. */
  readonly inside: {
    readonly postgres: { readonly host: string; readonly port: number };
    readonly minio: { readonly endpoint: string };
  };
}

/** The running services. */
export interface Pipeline extends PipelineAddresses {
  readonly runtime: ServiceRuntime;
  readonly postgres: Postgres;
  readonly kafka: Kafka;
  readonly connect: Connect;
  readonly minio: Minio;
  readonly trino?: Trino | undefined;
  stop(): Promise<void>;
}

/** Which services are started, and how. */
export interface PipelineOptions {
  /** Containers or processes. Default: TIDEMARK_SERVICES, else containers if Docker runs. */
  readonly runtime?: ServiceRuntime | undefined;
  /** Starts Trino too, with MinIO's tables in its catalog `lake`. */
  readonly trino?: boolean | undefined;
  /** Called before the first service starts. Default: prints the choice. */
  readonly onRuntime?: ((chosen: ChosenRuntime) => void) | undefined;
  /** Called before each image is pulled, which may take minutes. Default: prints its name. */
  readonly onPull?: ((image: string) => void) | undefined;
  /** Called when each service is ready. */
  readonly onReady?: ((name: string, seconds: number) => void) | undefined;
}

/**
 * Starts all services or none. If a service does not start, the others are stopped, and its error
 * shows its output.
 */
export async function startPipeline(options: PipelineOptions = {}): Promise<Pipeline> {
  const {
    onReady = () => undefined,
    onPull = (image) => {
      console.log(`services: pulling ${image} …`);
    },
    onRuntime = ({ runtime, reason }) => {
      console.log(`services: as ${runtime === "docker" ? "containers" : "processes"} (${reason})`);
    },
  } = options;
  const chosen = await chooseRuntime(options.runtime, onPull);
  onRuntime(chosen);
  const begun = performance.now();
  const started: { stop(): Promise<void> }[] = [];
  const stop = async (): Promise<void> => {
    for (const one of started.splice(0).toReversed()) await one.stop();
  };
  const keep = async <S extends Service>(starting: Promise<S>): Promise<S> => {
    const service = await starting;
    started.push(service);
    onReady(service.name, (performance.now() - begun) / 1000);
    return service;
  };
  try {
    const network =
      chosen.runtime === "docker" ? await (await import("./network.ts")).startNetwork() : undefined;
    if (network !== undefined) started.push(network);
    const [postgres, kafka, minio] = await startAll(
      keep(startPostgres({ network })),
      keep(startKafka({ network })),
      keep(startMinio({ network })),
    );
    const [connect, trino] = await startAll(
      keep(startConnect({ brokers: kafka.inside.brokers, network })),
      options.trino === true ? keep(startTrino({ network, minio })) : Promise.resolve(undefined),
    );
    return {
      runtime: chosen.runtime,
      postgres,
      kafka,
      connect,
      minio,
      trino,
      inside: { postgres: postgres.inside, minio: minio.inside },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * Waits for all promises before it fails, unlike Promise.all, so that no service starts unnoticed.
 */
async function startAll<T extends readonly unknown[]>(
  ...starting: { [I in keyof T]: Promise<T[I]> }
): Promise<T> {
  await Promise.allSettled(starting);
  return Promise.all(starting) as unknown as Promise<T>;
}
