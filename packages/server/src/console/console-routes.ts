/** Sends the files of the console. They hold no data: the page asks the JSON API with its token. */
import { TidemarkError } from "@tidemark/core";
import type { FastifyInstance, FastifyReply } from "fastify";
import type { ConsoleFiles } from "../options/server-options.ts";

/** The page runs its own scripts, and reaches no other host. No other page shows it in a frame. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const A_YEAR = "public, max-age=31536000, immutable";

/** Adds the routes to `app`. `read` is called once, for the first request. */
export async function consoleRoutes(
  app: FastifyInstance,
  read: () => Promise<ConsoleFiles>,
): Promise<void> {
  let reading: Promise<ConsoleFiles> | null = null;
  const files = (): Promise<ConsoleFiles> =>
    (reading ??= read().catch((error: unknown) => {
      reading = null;
      throw error;
    }));

  const config = { scope: null, uncounted: true } as const;

  async function send(path: string, reply: FastifyReply): Promise<FastifyReply> {
    const file = (await files()).get(path);
    if (file === undefined)
      throw new TidemarkError(
        "ROUTE_UNKNOWN",
        `the console has no file ${path.slice(0, 100)}; open /console/`,
      );
    return reply
      .type(file.type)
      .header("cache-control", file.isHashed ? A_YEAR : "no-cache")
      .header("content-security-policy", POLICY)
      .header("referrer-policy", "no-referrer")
      .header("x-content-type-options", "nosniff")
      .send(Buffer.from(file.body.buffer, file.body.byteOffset, file.body.byteLength));
  }

  app.get("/console", { config }, async (request, reply) => {
    const [path, query] = request.url.split("?");
    if (path!.endsWith("/")) return send("index.html", reply);
    // the addresses of the page's files are relative to a folder, also behind a proxy's prefix
    return reply.redirect(`console/${query === undefined ? "" : `?${query}`}`);
  });
  app.get<{ readonly Params: { readonly "*": string } }>(
    "/console/*",
    { config },
    async (request, reply) => send(request.params["*"], reply),
  );
}
