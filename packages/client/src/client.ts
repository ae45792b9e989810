/** A client of Tidemark's server, with the calls of a store. */
import {
  TidemarkError,
  isTidemarkError,
  keysNeeded,
  selectedFeatures,
  type Answer,
  type FeatureReads,
  type MaterializeOptions,
  type MaterializeResult,
  type Pushes,
  type SourceStatus,
  type TimeInput,
} from "@tidemark/core";
import type { SelectedFeature } from "@tidemark/core/spi";
import type { AnswerReader } from "./answers.ts";
import type { CallOptions, ClientOptions } from "./client-options.ts";
import type { Exports, ServiceNames, ServiceNeeds, ServiceRow } from "./definitions-of.ts";
import { columnsOf, questionBody, referencesOf } from "./online-request.ts";
import { pushRows, pushTarget } from "./push-body.ts";
import { readersOf, servicesOf, type NamedService } from "./named-services.ts";
import { transport } from "./transport.ts";

/** A service that is known by its name. */
export interface ServiceClient<Row, Needs> {
  /** As `getOnlineFeatures` of the client, for the features that the service has at the server. */
  getOnlineFeatures<const E extends readonly unknown[], const M extends boolean = false>(request: {
    readonly entities: { readonly [I in keyof E]: NoInfer<Needs> };
    readonly metadata?: M | undefined;
    readonly asOf?: TimeInput | undefined;
    readonly signal?: AbortSignal | undefined;
  }): Promise<
    {
      -readonly [I in keyof E]: M extends true ? { [K in keyof Row]: Answer<Row[K]> } & {} : Row;
    } & { readonly asOf: string }
  >;
}

/** D: `typeof definitions`, for services by name. */
export interface Client<D extends Exports = Exports>
  extends Pick<FeatureReads, "getOnlineFeatures">, Pick<Pushes, "push"> {
  /**
   * A service by its name: the module of definitions is needed for its type only. What it answers
   * is asked of the server once.
   *
   * @example
   * const client = createClient<typeof import("./features.ts")>({ url });
   * const [row] = await client.service("fraud_v1").getOnlineFeatures({ entities: [{ user_id: "user_000066" }] });
   */
  service<const N extends ServiceNames<D>>(
    name: N,
  ): ServiceClient<ServiceRow<D, N>, ServiceNeeds<D, N>>;
  /**
   * As `materialize` of a store, with views by name. It takes as long as it takes; ended by its
   * signal, what was done is done, and it can be called again.
   */
  materialize(
    options: Omit<MaterializeOptions, "onProgress" | "views"> & {
      readonly views?: readonly string[] | undefined;
    },
  ): Promise<MaterializeResult>;
  /** What each source has taken, and what went wrong in it. */
  status(options?: CallOptions): Promise<readonly SourceStatus[]>;
}

/**
 * A client of the server at `url`. Its answers are those of a store, the same JavaScript values;
 * errors are `TidemarkError` with the server's code, `SERVER_AWAY` where it cannot be reached and
 * `SERVER_TIMED_OUT` where it is too slow.
 *
 * @example
 * const client = createClient({ url: "https://features.bank.example", token: process.env.FEATURES_TOKEN });
 * const [row] = await client.getOnlineFeatures({ features: fraud, entities: [{ user_id: "user_000066" }] });
 */
export function createClient<D extends Exports = Exports>(options: ClientOptions): Client<D> {
  const send = transport(options);
  const services = servicesOf(send);
  const prepared = new WeakMap<object, Prepared>();

  /**
   * Definitions do not change, so what they select is worked out once; a list may, and is looked at
   * each time.
   */
  function preparedFor(features: unknown): Prepared {
    if (typeof features !== "object" || features === null || Array.isArray(features))
      return preparedOf(selectedFeatures(features, "getOnlineFeatures"));
    let found = prepared.get(features);
    if (found === undefined)
      prepared.set(features, (found = preparedOf(selectedFeatures(features, "getOnlineFeatures"))));
    return found;
  }

  async function ask(
    path: string,
    body: object,
    read: AnswerReader,
    length: number,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    return read(
      await send({ method: "POST", path, body: JSON.stringify(body), repeatable: true, signal }),
      length,
    );
  }

  const calls = {
    async getOnlineFeatures(request: Request & { readonly features: unknown }) {
      const { references, keys, readers } = preparedFor(request.features);
      return ask(
        "/v1/features",
        { features: references, ...questionBody(keys, request) },
        readers(request.metadata === true),
        request.entities.length,
        request.signal,
      );
    },

    service: (name: string) => ({
      async getOnlineFeatures(request: Request) {
        const once = async (): Promise<unknown> => {
          const { keys, readers } = await services.named(name, request.signal);
          return ask(
            `/v1/services/${encodeURIComponent(name)}/features`,
            questionBody(keys, request),
            readers(request.metadata === true),
            request.entities.length,
            request.signal,
          );
        };
        return once().catch((error: unknown) => {
          if (!isTidemarkError(error, "DEFINITIONS_DIFFER")) throw error;
          services.forget(); // the server has others since it was asked for them
          return once();
        });
      },
    }),

    async push(
      source: unknown,
      rows: unknown,
      {
        deletes = [],
        id,
        signal,
      }: {
        readonly deletes?: readonly unknown[];
        readonly id?: string;
        readonly signal?: AbortSignal;
      } = {},
    ) {
      const target = pushTarget(source);
      // with an id, so that a push whose answer was lost may be sent again
      const body = {
        rows: pushRows(target, rows, "row"),
        deletes: pushRows(target, deletes, "delete"),
        id: id ?? crypto.randomUUID(),
      };
      return send({
        method: "POST",
        path: `/v1/push/${encodeURIComponent(target.name)}`,
        body: jsonOf(body, target.name),
        repeatable: true,
        signal,
      });
    },

    async materialize({ signal, ...request }: { readonly signal?: AbortSignal } = {}) {
      return send({
        method: "POST",
        path: "/v1/materialize",
        body: JSON.stringify(request),
        repeatable: false,
        unbounded: true,
        signal,
      });
    },

    async status({ signal }: CallOptions = {}) {
      const { sources } = (await send({
        method: "GET",
        path: "/v1/status",
        repeatable: true,
        signal,
      })) as { readonly sources: readonly SourceStatus[] };
      return sources;
    },
  };
  return calls as unknown as Client<D>;
}

interface Request {
  readonly entities: readonly unknown[];
  readonly metadata?: boolean;
  readonly asOf?: unknown;
  readonly signal?: AbortSignal;
}

interface Prepared extends NamedService {
  readonly references: readonly string[];
}

function preparedOf(selection: readonly SelectedFeature[]): Prepared {
  return {
    references: referencesOf(selection),
    keys: keysNeeded(selection),
    readers: readersOf(columnsOf(selection)),
  };
}

function jsonOf(body: object, source: string): string {
  try {
    return JSON.stringify(body);
  } catch (cause) {
    throw new TidemarkError(
      "PUSH_INVALID",
      `push to source "${source}", of which nothing was taken: a value is nothing that JSON ` +
        `can hold (${(cause as Error).message})`,
      { cause },
    );
  }
}
