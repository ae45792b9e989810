/** The services of the flow together: what they are called by from here, and what they call each other. */
import { type Connect, startConnect } from "./connect.ts";
import { type Kafka, startKafka } from "./kafka.ts";
import { type Minio, startMinio } from "./minio.ts";
import { type Postgres, startPostgres } from "./postgres.ts";
import type { Service } from "./process.ts";

/** What a program needs to know to use the flow. */
export interface PipelineAddresses {
  readonly postgres: Pick<Postgres, "host" | "port" | "user" | "password" | "database" | "url">;
  readonly kafka: Pick<Kafka, "brokers">;
  readonly connect: Pick<Connect, "url">;
  readonly minio: Pick<Minio, "endpoint" | "region" | "credentials">;
  /** How the services reach one another, which in containers is not how this process reaches them. */
  readonly inside: { readonly postgres: { readonly host: string; readonly port: number }; readonly minio: { readonly endpoint: string } };
}

/** How the services were started: as containers, or as processes of this machine. */
export type Way = "docker" | "processes";

export interface Pipeline extends PipelineAddresses {
  readonly way: Way;
  readonly postgres: Postgres;
  readonly kafka: Kafka;
  readonly connect: Connect;
  readonly minio: Minio;
  stop(): Promise<void>;
}

export interface PipelineOptions {
  /** Told as each service is ready. */
  readonly onReady?: ((name: string, seconds: number) => void) | undefined;
}

/** All of them, or none: where one does not come up, those that did are stopped, and its error shows what it printed. */
export async function startPipeline({ onReady = () => undefined }: PipelineOptions = {}): Promise<Pipeline> {
  const begun = performance.now();
  const started: Service[] = [];
  const stop = async (): Promise<void> => { for (const service of started.splice(0).toReversed()) await service.stop(); };
  const keep = async <S extends Service>(starting: Promise<S>): Promise<S> => {
    const service = await starting;
    started.push(service);
    onReady(service.name, (performance.now() - begun) / 1000);
    return service;
  };
  const [postgres, kafka, minio] = await all(keep(startPostgres()), keep(startKafka()), keep(startMinio())).catch(undo);
  const connect = await keep(startConnect({ brokers: kafka.brokers })).catch(undo);
  return { way: "processes", postgres, kafka, connect, minio, inside: { postgres: { host: postgres.host, port: postgres.port }, minio: { endpoint: minio.endpoint } }, stop };

  async function undo(error: unknown): Promise<never> {
    await stop();
    throw error;
  }
}

/** As Promise.all, but it waits for all of them before it fails: none comes up behind our back. */
async function all<T extends readonly unknown[]>(...starting: { [I in keyof T]: Promise<T[I]> }): Promise<T> {
  await Promise.allSettled(starting);
  return Promise.all(starting) as unknown as Promise<T>;
}
