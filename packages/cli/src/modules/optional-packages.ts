/** Loads optional peer dependencies when a command needs them. */
import type * as McpServer from "@modelcontextprotocol/server";
import type * as McpStdio from "@modelcontextprotocol/server/stdio";
import type * as Sqlite from "@tidemark/adapter-sqlite";
import { TidemarkError } from "@tidemark/core";
import type * as Delta from "@tidemark/delta";
import type * as Debezium from "@tidemark/source-debezium";

/** @throws PACKAGE_MISSING when it is not installed; `purpose` says what needs it. */
export const loadSqlite = (purpose: string): Promise<typeof Sqlite> =>
  load("@tidemark/adapter-sqlite", purpose, () => import("@tidemark/adapter-sqlite"));

/** @throws PACKAGE_MISSING when it is not installed; `purpose` says what needs it. */
export const loadDelta = (purpose: string): Promise<typeof Delta> =>
  load("@tidemark/delta", purpose, () => import("@tidemark/delta"));

/** @throws PACKAGE_MISSING when it is not installed; `purpose` says what needs it. */
export const loadDebezium = (purpose: string): Promise<typeof Debezium> =>
  load("@tidemark/source-debezium", purpose, () => import("@tidemark/source-debezium"));

/** @throws PACKAGE_MISSING when it is not installed; `purpose` says what needs it. */
export const loadMcp = (
  purpose: string,
): Promise<{ readonly server: typeof McpServer; readonly stdio: typeof McpStdio }> =>
  load("@modelcontextprotocol/server", purpose, async () => ({
    server: await import("@modelcontextprotocol/server"),
    stdio: await import("@modelcontextprotocol/server/stdio"),
  }));

async function load<T>(name: string, purpose: string, imported: () => Promise<T>): Promise<T> {
  try {
    return await imported();
  } catch (cause) {
    if (!isMissing(cause, name)) throw cause;
    throw new TidemarkError(
      "PACKAGE_MISSING",
      `${purpose} needs ${name}, which is not installed; run npm install ${name}`,
      { cause },
    );
  }
}

/** Whether the package itself is missing, and not a package that it imports. */
function isMissing(error: unknown, name: string): boolean {
  return (
    error instanceof Error &&
    (error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND" &&
    error.message.startsWith(`Cannot find package '${name}'`)
  );
}
