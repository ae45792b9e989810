/**
 * Vitest loads this file once per run of the project `services`. A test file requests a service
 * from the broker. The first request starts the service, and the end of the run stops the service.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestProject } from "vitest/node";
import { startConnect } from "./connect.ts";
import { ANY_TIME } from "./kafka-topics.ts";
import { startKafka } from "./kafka.ts";
import { startMinio } from "./minio.ts";
import { startPostgres } from "./postgres.ts";
import type { Service } from "./service.ts";
import type { SharedName, SharedServices } from "./shared.ts";
import { startTrino } from "./trino.ts";

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  /** Services in the order in which they became ready; a later one may use an earlier one. */
  const ready: Service[] = [];
  const once = <S extends Service>(start: () => Promise<S>): (() => Promise<S>) => {
    let starting: Promise<S> | undefined;
    return () =>
      (starting ??= start().then((service) => {
        ready.push(service);
        return service;
      }));
  };
  const minio = once(() => startMinio());
  const kafka = once(() => startKafka({ settings: ANY_TIME }));
  const services: { readonly [Name in SharedName]: () => Promise<SharedServices[Name]> } = {
    postgres: once(() => startPostgres()),
    kafka,
    connect: once(async () => startConnect({ brokers: (await kafka()).brokers })),
    minio,
    trino: once(async () => startTrino({ minio: await minio() })),
  };

  const server = createServer((request, response) => {
    const name = request.url!.slice(1) as SharedName;
    services[name]().then(
      (service) => response.end(JSON.stringify(service)),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  project.provide("serviceBroker", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return async () => {
    server.closeAllConnections();
    server.close();
    for (const service of ready.toReversed()) await service.stop();
  };
}
