/** `tidemark audit`: shows who applied, pushed, erased and backfilled, and when. */
import type { AuditAction, AuditEntry } from "@tidemark/core";
import { AUDIT_ACTIONS, didYouMean } from "@tidemark/core/internal";
import { usage } from "../terminal/options.ts";
import { oneLine } from "../output/text.ts";
import { configCommand } from "./config-command.ts";

const help = `Usage: tidemark audit [--from TIME] [--to TIME] [--action ACTION] [options]

Shows the audit table of the history, newest first: who applied, pushed, erased,
backfilled, materialized and computed training sets, when, and how it ended. The pushes
of a minute, caller and source are one row. The table has no key and no value of a row.

  --from TIME           actions from this time on, as in 2026-03-01T00:00:00Z
  --to TIME             actions before this time
  --action ACTION       only apply, backfill, erase, materialize, push, resnapshot,
                        retry or training-set
  --limit COUNT         the most rows; default: 100
`;

export const auditCommand: ReturnType<typeof configCommand> = configCommand({
  name: "audit",
  help,
  exitCodes: { 0: "done", 1: "failed", 130: "interrupted" },
  options: { from: "text", to: "text", action: "text", limit: "text" },
  interrupted: "nothing was changed",
  async run({ given, config, open, signal, printResult }) {
    const action = actionOf(given.text("action"));
    const limit = limitOf(given.text("limit"));
    const { store } = await open({ online: false, offline: true, onDefinitionMismatch: "ignore" });
    const [from, to] = [given.text("from"), given.text("to")];
    const audits = await store.audits({ from, to, action, limit, signal });
    const namespace = config.namespace ?? "default";
    printResult(
      { namespace, audits },
      audits.length === 0
        ? [`namespace "${namespace}": the audit table has no such action`]
        : audits.map(auditLine),
    );
    return 0;
  },
});

function actionOf(text: string | undefined): AuditAction | undefined {
  if (text === undefined) return undefined;
  const action = AUDIT_ACTIONS.find((one) => one === text);
  if (action !== undefined) return action;
  throw usage(
    `--action ${text} is none${didYouMean(text, AUDIT_ACTIONS)}; there are ` +
      AUDIT_ACTIONS.join(", "),
  );
}

function limitOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,5}$/.test(text) && Number(text) <= 10_000) return Number(text);
  throw usage(`--limit ${text}: write a whole number from 0 to 10000`);
}

function auditLine(audit: AuditEntry): string {
  const { at, action, outcome, code, by, from, sources, views, entity, counts } = audit;
  const { version, receipt, seconds } = audit;
  const on = [...sources, ...views, ...(entity === null ? [] : [entity])].join(", ");
  const numbers = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
  const facts = [
    ...(version === null ? [] : [`version ${version}`]),
    ...numbers,
    ...(receipt === null ? [] : [`receipt ${receipt}`]),
    `${seconds.toFixed(1)} s`,
  ];
  return (
    `${at} ${action}${on === "" ? "" : ` ${on}`} ${outcome}${code === null ? "" : ` (${code})`} ` +
    `by ${oneLine(by)}${from === null ? "" : ` from ${oneLine(from)}`}: ${facts.join(", ")}`
  );
}
