/** Sends a request as Feast's clients do. Returns the answer as text and parsed. */
import type { FastifyInstance } from "fastify";

export interface FeastAnswer {
  readonly status: number;
  readonly text: string;
  /** Values, statuses and event timestamps of each feature. */
  readonly columns: Readonly<
    Record<
      string,
      readonly [values: readonly unknown[], statuses: readonly string[], times: readonly string[]]
    >
  >;
  readonly names: readonly string[];
  /**
   * The error: `{"module", "class", "message", "code"}` from the JSON string, or FastAPI's detail.
   */
  readonly error: {
    readonly class?: string;
    readonly code?: string;
    readonly message?: string;
    readonly detail?: readonly {
      readonly type: string;
      readonly loc: readonly unknown[];
      readonly msg: string;
    }[];
  };
}

export async function feastPost(
  app: FastifyInstance,
  url: string,
  body: string | object | Buffer,
  headers: Readonly<Record<string, string>> = {},
): Promise<FeastAnswer> {
  const payload = typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const answer = await app.inject({
    method: "POST",
    url,
    payload,
    headers: { "content-type": "application/json", ...headers },
  });
  const text = answer.body;
  const parsed = text === "" ? null : (JSON.parse(text) as unknown);
  const columns: Record<string, FeastAnswer["columns"][string]> = {};
  let names: readonly string[] = [];
  if (answer.statusCode === 200 && parsed !== null) {
    const { results, metadata } = parsed as {
      results: { values: unknown[]; statuses: string[]; event_timestamps: string[] }[];
      metadata: { feature_names: string[] };
    };
    names = metadata.feature_names;
    names.forEach((name, i) => {
      columns[name] = [results[i]!.values, results[i]!.statuses, results[i]!.event_timestamps];
    });
  }
  const error = (
    answer.statusCode < 400 ? {} : typeof parsed === "string" ? JSON.parse(parsed) : parsed
  ) as FeastAnswer["error"];
  return { status: answer.statusCode, text, columns, names, error };
}

export function online(
  app: FastifyInstance,
  body: string | object | Buffer,
  headers?: Readonly<Record<string, string>>,
): Promise<FeastAnswer> {
  return feastPost(app, "/get-online-features", body, headers);
}
