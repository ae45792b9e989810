/**
 * Generates the load in a separate process: requests from many connections, with the time of each.
 * The program reads its settings as JSON from its arguments, and prints the results.
 */
import autocannon from "autocannon";
import { quantile } from "./figures.ts";

export interface LoadSettings {
  readonly url: string;
  /** The bodies that are sent in turn; each connection begins at another one. */
  readonly bodies: readonly string[];
  readonly connections: number;
  readonly seconds: number;
  /** The requests per second of all connections. Default: as many as are answered. */
  readonly rate?: number | undefined;
  /** The number of parts of the time that are also reported alone. */
  readonly windows?: number | undefined;
}

export interface LoadResult {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly windows: readonly {
    readonly perSecond: number;
    readonly p50: number;
    readonly p99: number;
  }[];
}

const {
  url,
  bodies,
  connections,
  seconds,
  rate,
  windows = 1,
} = JSON.parse(await text(process.stdin)) as LoadSettings;
const requests = bodies.map((body) => ({
  method: "POST" as const,
  headers: { "content-type": "application/json" },
  body,
}));
const durations: number[][] = Array.from({ length: windows }, () => []);
const failures = new Map<string, number>();
let client = 0;
const began = performance.now();
const { errors, timeouts } = await new Promise<autocannon.Result>((resolve, reject) => {
  const load = autocannon(
    {
      url,
      connections,
      duration: seconds,
      ...(rate === undefined ? {} : { overallRate: rate }),
      requests,
      setupClient(one) {
        const first = Math.floor((client++ / connections) * requests.length);
        one.setRequests([...requests.slice(first), ...requests.slice(0, first)]);
      },
    },
    (error, result) => {
      if (error === null) resolve(result);
      else reject(error as Error);
    },
  );
  load.on("response", (_client, status, _bytes, milliseconds) => {
    if (status !== 200) failures.set(String(status), (failures.get(String(status)) ?? 0) + 1);
    durations[
      Math.min(windows - 1, Math.floor(((performance.now() - began) / 1000 / seconds) * windows))
    ]!.push(milliseconds);
  });
});
if (failures.size > 0 || errors > 0 || timeouts > 0)
  throw new Error(
    `${url}: ${errors} errors, ${timeouts} timeouts, ` +
      `${[...failures].map(([status, count]) => `${count} × ${status}`).join(", ")}`,
  );

const figures = (list: readonly number[], time: number) => ({
  perSecond: list.length / time,
  p50: quantile(list, 0.5),
  p99: quantile(list, 0.99),
});
console.log(
  JSON.stringify({
    ...figures(durations.flat(), seconds),
    windows: durations.map((list) => figures(list, seconds / windows)),
  } satisfies LoadResult),
);

async function text(stream: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts).toString();
}
