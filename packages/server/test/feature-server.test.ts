/** Tests the shutdown of a server without lost requests. */
import { once } from "node:events";
import { Agent, request, type IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import { shopServer } from "./support/shop-server.ts";

const GET = "/get-online-features";
const ANN = { features: ["weekly:payments_l1w"], entities: { user_id: ["ann"] } };

test(
  "drain answers every request, and /ready is 503 in the grace period",
  { timeout: 60_000 },
  async () => {
    const server = await shopServer({ shutdown: { gracePeriod: "1s" } });
    const url = new URL(await server.listen({ port: 0 }));
    const seen = { answered: 0, cut: [] as string[] };
    const payload = JSON.stringify(ANN);
    /** A caller behind a balancer: it keeps its connection until an answer closes it. */
    async function caller(): Promise<void> {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let told = false; !told;) {
        const asked = request({
          host: url.hostname,
          port: url.port,
          path: GET,
          method: "POST",
          agent,
          headers: {
            "content-type": "application/json",
            "content-length": String(Buffer.byteLength(payload)),
          },
        });
        asked.end(payload);
        try {
          const [answer] = (await once(asked, "response")) as [IncomingMessage];
          let text = "";
          for await (const chunk of answer) text += String(chunk);
          if (answer.statusCode === 200 && text.includes("PRESENT")) seen.answered++;
          else seen.cut.push(`${answer.statusCode}: ${text}`);
          told = answer.headers.connection === "close";
        } catch (error) {
          seen.cut.push(String(error));
          told = true;
        }
      }
      agent.destroy();
    }
    const callers = Array.from({ length: 20 }, caller);
    while (seen.answered < 200 && seen.cut.length === 0)
      await new Promise((resolve) => {
        setTimeout(resolve, 5);
      });
    const before = seen.answered;
    const drained = server.drain();
    expect((await fetch(new URL("/ready", url))).status).toBe(503);
    expect((await fetch(new URL("/health", url))).status).toBe(200);
    await Promise.all(callers);
    await drained;
    expect(seen.cut).toEqual([]);
    expect(seen.answered).toBeGreaterThan(before);
    await expect(fetch(url)).rejects.toThrow();
  },
);
