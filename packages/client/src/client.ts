/** Makes a client of Tidemark's server, with the calls of a store. */
import {
  TidemarkError,
  isTidemarkError,
  selectedFeatures,
  type FeatureReads,
  type MaterializeOptions,
  type MaterializeResult,
  type OnlineAnswer,
  type Pushes,
  type RequestedEntities,
  type SourceStatus,
  type TimeInput,
} from "@tidemark/core";
import type { SelectedFeature } from "@tidemark/core/spi";
import { answerOf, type OnlineRequestInput, keysNeeded } from "@tidemark/core/internal";
import type { CallOptions, ClientOptions } from "./client-options.ts";
import type { DefinitionExports, ServiceNames, ServiceKeys, ServiceRow } from "./definitions-of.ts";
import { columnsOf, requestBody, referencesOf } from "./online-request.ts";
import { pushRows, pushTarget } from "./push-body.ts";
import { answerReaders, serviceDirectory, type NamedService } from "./named-services.ts";
import { transport } from "./transport.ts";

/** A service that is known by its name. */
export interface ServiceClient<Row, Needs> {
  /**
   * Returns the features of the service for entities, as the client's `getOnlineFeatures`. The
   * server's definition of the service counts.
   */
  getOnlineFeatures<const E extends readonly unknown[] = never, const M extends boolean = false>(
    request: {
      readonly metadata?: M | undefined;
      readonly asOf?: TimeInput | undefined;
      readonly signal?: AbortSignal | undefined;
    } & RequestedEntities<E, Needs>,
  ): Promise<OnlineAnswer<E, Row, M>>;
}

/** A client of Tidemark's server. `D` is `typeof definitions`, for services by name. */
export interface Client<D extends DefinitionExports = DefinitionExports>
  extends Pick<FeatureReads, "getOnlineFeatures">, Pick<Pushes, "push"> {
  /**
   * Returns a service by its name. The module of definitions is needed for its type only. The
   * client asks the server once for the service's features.
   *
   * @throws SERVICE_UNKNOWN from the call when the server has no service of this name.
   * @example
   * const client = createClient<typeof import("./features.ts")>({ url });
   * const fraud = client.service("fraud_v1");
   * const row = await fraud.getOnlineFeatures({ entity: { user_id: "user_000066" } });
   */
  service<const N extends ServiceNames<D>>(
    name: N,
  ): ServiceClient<ServiceRow<D, N>, ServiceKeys<D, N>>;
  /**
   * Materializes views by name, as a store's `materialize`. The call has no time limit. If its
   * signal ends it, finished days stay, and the call can be repeated.
   *
   * @example
   * await client.materialize({ views: ["weekly"], incremental: true });
   */
  materialize(
    options: Omit<MaterializeOptions, "onProgress" | "views"> & {
      readonly views?: readonly string[] | undefined;
    },
  ): Promise<MaterializeResult>;
  /** Returns how far each source was read, and its errors. */
  status(options?: CallOptions): Promise<readonly SourceStatus[]>;
}

/**
 * Makes a client of the server at `url`. Its answers are the JavaScript values that a store gives.
 * An error is a `TidemarkError` with the server's code.
 *
 * @throws SERVER_UNAVAILABLE from a call when the server cannot be reached.
 * @throws SERVER_TIMED_OUT from a call when the server does not answer within `timeout`.
 * @example
 * const client = createClient({ url: "https://features.bank.example", token: "…" });
 * const row = await client.getOnlineFeatures({
 *   features: fraud,
 *   entity: { user_id: "user_000066" },
 * });
 */
export function createClient<D extends DefinitionExports = DefinitionExports>(
  options: ClientOptions,
): Client<D> {
  const send = transport(options);
  const services = serviceDirectory(send);
  const prepared = new WeakMap<object, PreparedSelection>();

  /**
   * Prepares a selection of features. Definitions do not change, so their selection is computed
   * once; a list is read at each call.
   */
  function preparedFor(features: unknown): PreparedSelection {
    if (typeof features !== "object" || features === null || Array.isArray(features))
      return prepareSelection(selectedFeatures(features, "getOnlineFeatures"));
    let found = prepared.get(features);
    if (found === undefined)
      prepared.set(
        features,
        (found = prepareSelection(selectedFeatures(features, "getOnlineFeatures"))),
      );
    return found;
  }

  async function ask(
    path: string,
    features: { readonly features?: readonly string[] },
    { keys, readers }: NamedService,
    request: OnlineRequestInput,
  ): Promise<unknown> {
    const question = await requestBody(keys, request);
    const answer = await send({
      method: "POST",
      path,
      body: JSON.stringify({ ...features, ...question }),
      repeatable: true,
      signal: request.signal,
    });
    const { asOf, rows } = readers(request.metadata === true)(answer, question.entities.length);
    return answerOf(request, rows, () => asOf);
  }

  const calls = {
    async getOnlineFeatures(request: OnlineRequestInput) {
      const asked = preparedFor(request.features);
      return ask("/v1/features", { features: asked.references }, asked, request);
    },

    service: (name: string) => ({
      async getOnlineFeatures(request: OnlineRequestInput) {
        const path = `/v1/services/${encodeURIComponent(name)}/features`;
        const once = async (): Promise<unknown> =>
          ask(path, {}, await services.named(name, request.signal), request);
        return once().catch((error: unknown) => {
          if (!isTidemarkError(error, "DEFINITIONS_DIFFER")) throw error;
          services.forget(); // the server's definitions have changed since the client asked
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
      // the id allows the push to be repeated if its answer was lost
      const body = {
        rows: pushRows(target, rows, "row"),
        deletes: pushRows(target, deletes, "delete"),
        id: id ?? crypto.randomUUID(),
      };
      return send({
        method: "POST",
        path: `/v1/push/${encodeURIComponent(target.name)}`,
        body: pushJson(body, target.name),
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

interface PreparedSelection extends NamedService {
  readonly references: readonly string[];
}

function prepareSelection(selection: readonly SelectedFeature[]): PreparedSelection {
  return {
    references: referencesOf(selection),
    keys: keysNeeded(selection),
    readers: answerReaders(columnsOf(selection)),
  };
}

function pushJson(body: object, source: string): string {
  try {
    return JSON.stringify(body);
  } catch (cause) {
    throw new TidemarkError(
      "PUSH_INVALID",
      `push to source "${source}", of which nothing was taken: ` +
        `a value is nothing that JSON can hold (${(cause as Error).message})`,
      { cause },
    );
  }
}
