/** `tidemark history`: shows who applied which definitions, when, and from where. */
import type { AppliedVersion } from "@tidemark/core";
import { usage } from "../terminal/options.ts";
import { oneLine } from "../output/text.ts";
import { configCommand } from "./config-command.ts";
import { ACTION_SIGNS } from "./plan-text.ts";

const help = `Usage: tidemark history [--last N] [options]

Shows each apply of the definitions, newest first: who applied what, when, and from
which commit. The registry keeps the newest 500 applies.

  --last N              show only the newest N applies
`;

export const historyCommand: ReturnType<typeof configCommand> = configCommand({
  name: "history",
  help,
  exitCodes: { 0: "done", 1: "failed", 130: "interrupted" },
  options: { last: "text" },
  interrupted: "nothing was changed",
  async run({ given, config, open, printResult, signal }) {
    const last = given.text("last");
    if (last !== undefined && !/^[1-9]\d{0,5}$/.test(last))
      throw usage(`--last ${last} is no whole number from 1 on`);
    const { store } = await open({ online: false, offline: true, onDefinitionMismatch: "ignore" });
    const applies = (await store.applies({ signal })).slice(0, Number(last ?? Infinity));
    const namespace = config.namespace ?? "default";
    printResult(
      { namespace, applies },
      applies.length === 0
        ? [`namespace "${namespace}": nothing was applied yet`]
        : applies.flatMap(applyLines),
    );
    return 0;
  },
});

function applyLines({ version, at, by, from, changes, omitted }: AppliedVersion): string[] {
  return [
    `version ${version}, applied by ${oneLine(by)} at ${at}` +
      (from === null ? "" : ` from ${oneLine(from)}`),
    ...(changes ?? []).flatMap((change) => [
      `  ${ACTION_SIGNS[change.action]} ${change.kind} ${change.name}` +
        (change.action === "changed" ? ` becomes version ${change.version}` : ""),
      ...change.details.map((detail) => `      ${detail}`),
      ...(change.destructive === null ? [] : [`      destructive: ${change.destructive}`]),
    ]),
    ...(changes === null ? ["  an older version of Tidemark kept no changes"] : []),
    ...(omitted === 0 ? [] : [`  and ${omitted} more changes`]),
  ];
}
