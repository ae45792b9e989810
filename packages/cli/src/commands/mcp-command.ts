/** `tidemark mcp`: features, explanations and status for programs that speak MCP. */
import { toolServer } from "../mcp/mcp-server.ts";
import { loadMcp } from "../modules/optional-packages.ts";
import { configCommand } from "./config-command.ts";

const help = `Usage: tidemark mcp [options]

Serves the feature store to a program or an agent over the Model Context Protocol, on
standard input and output. Its tools only read: catalogue, get, explain, plan, status
and profile. The program starts the command and ends it. It needs the package
@modelcontextprotocol/server.

`;

export const mcpCommand: ReturnType<typeof configCommand> = configCommand({
  name: "mcp",
  help,
  exitCodes: { 0: "the program closed the connection", 1: "failed", 130: "interrupted" },
  options: {},
  interrupted: "nothing was changed",
  async run({ open, config, signal }) {
    const { server: sdk, stdio } = await loadMcp("tidemark mcp");
    const configured = await open();
    await new Promise<void>((resolve, reject) => {
      const transport = new stdio.StdioServerTransport();
      const handle = stdio.serveStdio(() => toolServer(sdk, { configured, config }), {
        transport,
        onerror: (error) => process.emitWarning(error),
      });
      process.stdin.once("end", () => {
        handle.close().then(resolve, reject);
      });
      signal.addEventListener("abort", () => {
        handle.close().then(() => reject(signal.reason as Error), reject);
      });
    });
    return 0;
  },
});
