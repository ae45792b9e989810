/** `tidemark explain`: prints the plan of a service, a view or some features. */
import { collectDefinitions } from "@tidemark/core";
import { compileQuery, queryText } from "@tidemark/core/internal";
import { featuresNamed, featuresOfService } from "../input/named-features.ts";
import { configCommand } from "./config-command.ts";

const help = `Usage: tidemark explain NAME [options]

Prints what a request computes, as a tree: the answers with their types, the keys that
they need, the functions, the aggregates over their windows, and the columns that are
read. Equal aggregates are listed once, because they are computed once. The command
reads the definitions only, and opens no store.

  NAME                  a feature service, a view, a derived view or a transform;
                        or view:feature,view:feature for some features
`;

export const explainCommand: ReturnType<typeof configCommand> = configCommand({
  name: "explain",
  help,
  exitCodes: { 0: "done", 1: "failed", 130: "interrupted" },
  argument: "name",
  options: {},
  interrupted: "nothing was changed",
  async run({ given, config, printResult }) {
    const name = given.text("name")!;
    const definitions = collectDefinitions(config.definitions);
    const features = /[:,]/.test(name)
      ? featuresNamed(name.split(","), definitions, config.file)
      : featuresOfService(name, definitions, config.file);
    const { query } = compileQuery(features);
    printResult({ name, ...query }, queryText(query).split("\n"));
    return 0;
  },
});
