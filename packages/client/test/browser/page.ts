/** The page: pushes and asks with the client, and sends the answers to the test. */
import { createClient } from "@tidemark/client";
import { answersOf, pushReadings } from "./answers.ts";

/** What the page sends to the test. */
export interface PageReport {
  /** `answersOf` of the client; null if it failed. */
  readonly answers: string | null;
  readonly error: string | null;
  /** The names of Node that the page has. */
  readonly ofNode: readonly string[];
  readonly browser: string;
}

const origin = new URL(import.meta.url).origin;

async function answers(): Promise<Pick<PageReport, "answers" | "error">> {
  try {
    const client = createClient({ url: origin });
    await pushReadings(client);
    return { answers: await answersOf(client), error: null };
  } catch (error) {
    return { answers: null, error: String((error as Error).stack ?? error) };
  }
}

const report: PageReport = {
  ...(await answers()),
  ofNode: ["Buffer", "process", "require", "setImmediate"].filter((name) => name in globalThis),
  browser: navigator.userAgent,
};
await fetch(`${origin}/report`, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(report),
});
