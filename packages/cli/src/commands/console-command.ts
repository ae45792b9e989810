/** `tidemark console`: the store in a browser, with nothing else running. */
import { featureServer } from "@tidemark/server";
import { connectorStates } from "../serve/connector-states.ts";
import { readConsole } from "../serve/console-files.ts";
import { untilAborted } from "../serve/until-aborted.ts";
import { PORTS, wholeNumberOf } from "../terminal/options.ts";
import { configCommand } from "./config-command.ts";

const help = `Usage: tidemark console [--port PORT] [options]

Shows the stores of the configuration in a browser on this machine: the definitions, how
late each source is, why a number is so, and how it moved. It needs no server. Ctrl+C
ends it. tidemark serve has the same pages at /console, behind its tokens.

  --port PORT           default: 6580; 0: a free port
`;

export const consoleCommand: ReturnType<typeof configCommand> = configCommand({
  name: "console",
  help,
  exitCodes: { 0: "stopped by a signal", 1: "failed" },
  options: { port: "text" },
  interrupted: "it was not listening yet",
  async run({ given, config, open, signal, printResult }) {
    const port = wholeNumberOf(given, "port", PORTS) ?? 6580;
    const { store, secrets } = await open();
    const { definitions, zone } = config;
    const server = await featureServer({
      store,
      definitions,
      zone,
      connectors: connectorStates(config.connectors, secrets),
      consoleFiles: readConsole,
    });
    try {
      const address = `${await server.listen({ port })}/console/`;
      printResult({ address, pid: process.pid }, [`open ${address}`]);
      await untilAborted(signal);
    } finally {
      await server.close();
    }
    return 0;
  },
});
