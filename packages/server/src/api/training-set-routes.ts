/** Serves training sets under `/v1/training-set`. */
import { open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { auditedTrainingSet } from "@tidemark/core/internal";
import { auditCaller } from "../http/audit-caller.ts";
import type { Serving } from "../http/serving.ts";
import type { StoredJob, TrainingSets } from "../training-sets/job-types.ts";
import { publicJob } from "../training-sets/public-job.ts";
import { refuseRunning } from "../training-sets/result-rows.ts";
import type { FeatureNames } from "./requested-features.ts";
import { refuseOtherMethods } from "./other-methods.ts";
import { PARQUET_TYPE } from "./training-set-paths.ts";
import { trainingSetQuery } from "./training-set-request.ts";

/** The header of a result that says what was left out of the entity rows. */
const WARNINGS_HEADER = "tidemark-warnings";
/** The most warnings of a header, and the longest. */
const [MAX_WARNINGS, MAX_WARNING] = [10, 300];
const JSON_TYPE = "application/json; charset=utf-8";

interface IdParams {
  readonly Params: { readonly id: string };
}

/** Adds the routes to `app`. They receive their bodies themselves, as files. */
export async function trainingSetRoutes(
  app: FastifyInstance,
  { limits, audit, store }: Serving,
  names: FeatureNames,
  sets: TrainingSets,
): Promise<void> {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, _body, done) => {
    done(null);
  });
  app.addHook("onClose", () => sets.close());

  app.post(
    "/v1/training-set",
    { config: { scope: "read", unbounded: true, file: true, audit: "training-set" } },
    async (request, reply) => {
      const { ending } = request;
      const { request: asked, wait } = trainingSetQuery(request.query, names.list, limits);
      const starting = sets.start(asked, {
        body: request.raw,
        caller: request.caller,
        request: request.id,
        ending,
      });
      // the row of the audit table comes at the end, which no request may wait for
      void auditedTrainingSet(
        store,
        { features: asked.features, caller: auditCaller(request), signal: ending },
        async () => (await starting).done,
      ).catch(() => undefined);
      const started = await starting.catch((error: unknown) => {
        // what remains of the body is not read
        if (!request.raw.complete) reply.header("connection", "close");
        throw error;
      });
      const { id, rows, features } = started.state();
      request.entityCount = rows ?? 0;
      audit.accepted(request, { features, trainingSet: id, ...(rows === null ? {} : { rows }) });
      request.audited = true;
      if (wait > 0) {
        const done = await doneWithin(started.done, wait, ending).catch(async (error: unknown) => {
          await sets.remove(started.state());
          throw error;
        });
        if (done !== null) {
          // the caller does not know its id
          reply.raw.once("close", () => void sets.remove(done).catch(() => undefined));
          return sendResult(done, reply);
        }
      }
      if (ending.aborted) await sets.remove(started.state());
      const job = started.state();
      return reply
        .code(202)
        .header("location", publicJob(job).url)
        .type(JSON_TYPE)
        .send(JSON.stringify(publicJob(job)));
    },
  );

  const read = { config: { scope: "read" } } as const;
  const jobOf = (request: FastifyRequest<IdParams>): Promise<StoredJob> =>
    sets.find(request.params.id, request.caller);

  app.get("/v1/training-set", read, async (request, reply) => {
    const jobs = await sets.list(request.caller);
    return reply.type(JSON_TYPE).send(JSON.stringify({ trainingSets: jobs.map(publicJob) }));
  });
  app.get<IdParams>("/v1/training-set/:id", read, async (request, reply) =>
    reply.type(JSON_TYPE).send(JSON.stringify(publicJob(await jobOf(request)))),
  );
  app.delete<IdParams>("/v1/training-set/:id", read, async (request, reply) => {
    await sets.remove(await jobOf(request));
    return reply.code(204).send();
  });
  app.get<IdParams>(
    "/v1/training-set/:id/result",
    { config: { scope: "read", file: true } },
    async (request, reply) => {
      const job = await jobOf(request);
      if (job.state === "failed")
        return reply.code(job.status!).type(JSON_TYPE).send(JSON.stringify(job.error));
      if (job.state === "running") {
        reply.header("retry-after", "1");
        refuseRunning(job);
      }
      return sendResult(job, reply);
    },
  );

  async function sendResult(job: StoredJob, reply: FastifyReply): Promise<FastifyReply> {
    const { id, caller } = job;
    const file = await open(await sets.resultFile(id)).catch(async (error: unknown) => {
      await sets.find(id, caller); // it may have been removed since
      throw error;
    });
    const { size } = await file.stat();
    if (job.warnings.length > 0) reply.header(WARNINGS_HEADER, headerText(job.warnings));
    return reply
      .type(PARQUET_TYPE)
      .header("content-length", size)
      .header("content-disposition", `attachment; filename="training-set-${id}.parquet"`)
      .send(file.createReadStream());
  }

  refuseOtherMethods(app, "/v1/training-set", "GET", "POST");
  refuseOtherMethods(app, "/v1/training-set/:id", "GET", "DELETE");
  refuseOtherMethods(app, "/v1/training-set/:id/result", "GET");
}

/** Writes warnings as a JSON list that a header can carry. */
function headerText(warnings: readonly string[]): string {
  const shown = warnings.slice(0, MAX_WARNINGS).map((text) => text.slice(0, MAX_WARNING));
  return JSON.stringify(shown).replace(
    /[^\x20-\x7e]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Returns the training set if it is done in time. null: it is running, or the caller is gone. */
async function doneWithin(
  done: Promise<StoredJob>,
  wait: number,
  ending: AbortSignal,
): Promise<StoredJob | null> {
  const waiting = new AbortController();
  const signal = AbortSignal.any([waiting.signal, ending]);
  try {
    return await Promise.race([done, sleep(wait, null, { signal }).catch(() => null)]);
  } finally {
    waiting.abort();
  }
}
