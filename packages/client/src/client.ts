/** Makes a client of Tidemark's server, with the calls of a store. */
import {
  TidemarkError,
  isTidemarkError,
  selectedFeatures,
  type FeatureReads,
  type MaterializeOptions,
  type MaterializeResult,
  type MissingAsNull,
  type OnlineAnswer,
  type OnMissing,
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

/** Reads the features of a service by the service's name. */
export interface ServiceClient<Row, Needs> {
  /**
   * Returns the features of the service, as the client's `getOnlineFeatures` does. The server's
   * definition of the service says which features these are.
   *
   * @throws SERVICE_UNKNOWN when the server has no service of this name.
   * @throws DEFINITIONS_DIFFER when the server's answer does not fit the server's definitions.
   */
  getOnlineFeatures<
    const E extends readonly unknown[] = never,
    const M extends boolean = false,
    const N extends OnMissing = "error",
  >(
    request: {
      readonly metadata?: M | undefined;
      readonly asOf?: TimeInput | undefined;
      readonly onMissing?: N | undefined;
      readonly signal?: AbortSignal | undefined;
    } & RequestedEntities<E, Needs>,
  ): Promise<OnlineAnswer<E, MissingAsNull<Row, N>, M>>;
}

/** A client of Tidemark's server. `D` is the type of the module of definitions. */
export interface Client<D extends DefinitionExports = DefinitionExports>
  extends Pick<FeatureReads, "getOnlineFeatures">, Pick<Pushes, "push"> {
  /**
   * Returns a service by its name. The client needs only the type of the module of definitions. The
   * keys and features of the service come from the server, with the first call.
   *
   * @example
   * const client = createClient<typeof import("./features.ts")>({ url });
   * const fraud = client.service("fraud_v1");
   * const row = await fraud.getOnlineFeatures({ entity: { user_id: "user_000066" } });
   */
  service<const N extends ServiceNames<D>>(
    name: N,
  ): ServiceClient<ServiceRow<D, N>, ServiceKeys<D, N>>;
  /**
   * Materializes views by name, as a store's `materialize` does. The call has no time limit. An
   * aborted call keeps the finished days, and can be repeated.
   *
   * @throws VIEW_UNKNOWN when no view has the name.
   * @throws DATES_INVALID when the days are invalid.
   *
   * @example
   * await client.materialize({ views: ["weekly"], incremental: true });
   */
  materialize(
    options: Omit<MaterializeOptions, "onProgress" | "views"> & {
      readonly views?: readonly string[] | undefined;
    },
  ): Promise<MaterializeResult>;
  /** Returns the positions, counts and backpressure of each source. */
  status(options?: CallOptions): Promise<readonly SourceStatus[]>;
}

/**
 * Makes a client of the server at `url`. The client's answers have the same JavaScript values as a
 * store's. An error of the server is a `TidemarkError` with the server's code.
 *
 * @throws OPTION_UNKNOWN when there is no such option. The message suggests the nearest name.
 * @throws DURATION_INVALID when `timeout` is not a duration.
 * @throws CLIENT_OPTIONS_INVALID when the url or `retries` is invalid.
 * @throws CREDENTIALS_UNENCRYPTED when the token would go over plain HTTP to another machine.
 * @throws PORT_BLOCKED when `fetch` refuses the port of the url, such as Feast's 6566.
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
   * Prepares a selection of features. A definition does not change, so its selection is prepared
   * once. A list is prepared at each call.
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

  async function readFeatures(
    path: string,
    features: { readonly features?: readonly string[] },
    { keys, readers }: NamedService,
    request: OnlineRequestInput,
  ): Promise<unknown> {
    const body = await requestBody(keys, request);
    const answer = await send({
      method: "POST",
      path,
      body: JSON.stringify({ ...features, ...body }),
      repeatable: true,
      signal: request.signal,
    });
    const { asOf, rows } = readers(request.metadata === true)(answer, body.entities.length);
    return answerOf(request, rows, () => asOf);
  }

  const calls = {
    async getOnlineFeatures(request: OnlineRequestInput) {
      const selection = preparedFor(request.features);
      return readFeatures("/v1/features", { features: selection.references }, selection, request);
    },

    service: (name: string) => ({
      async getOnlineFeatures(request: OnlineRequestInput) {
        const path = `/v1/services/${encodeURIComponent(name)}/features`;
        const once = async (): Promise<unknown> =>
          readFeatures(path, {}, await services.named(name, request.signal), request);
        return once().catch((error: unknown) => {
          if (!isTidemarkError(error, "DEFINITIONS_DIFFER")) throw error;
          services.forget(); // the server's definitions have changed since they were read
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
      // with an id the push can be repeated if its answer was lost
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

/** A selection of features in the form of a request. */
interface PreparedSelection extends NamedService {
  /** The features as references, such as `view:feature`. */
  readonly references: readonly string[];
}

function prepareSelection(selection: readonly SelectedFeature[]): PreparedSelection {
  return {
    references: referencesOf(selection),
    keys: keysNeeded(selection),
    readers: answerReaders(columnsOf(selection)),
  };
}

/**
 * Encodes the body of a push.
 *
 * @throws PUSH_INVALID when a value has no JSON form.
 */
function pushJson(body: object, source: string): string {
  try {
    return JSON.stringify(body);
  } catch (cause) {
    throw new TidemarkError(
      "PUSH_INVALID",
      `push to source "${source}": a value has no JSON form (${(cause as Error).message}), and ` +
        "nothing was pushed; give values of the columns' types",
      { cause },
    );
  }
}
