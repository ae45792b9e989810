/** `tidemark backup`: backs up the stores while they are written. */
import type { Duration } from "@tidemark/core";
import { durationMicros } from "@tidemark/core/internal";
import { configCommand } from "./config-command.ts";
import { usage } from "../terminal/options.ts";

const help = `Usage: tidemark backup --to DIR [--history pin|copy] [--keep 30d] [options]

Backs up the online store, the history and the registry into a new directory, while runs
and servers write. The online store is copied as it is at one moment. The history keeps
the files of its versions, and the backup names them; with --history copy the directory
holds the tables too. The backup is whole once backup.json is there.

  --to DIR              the directory of the backup; it must be empty, or not exist
  --history pin|copy    pin: the history keeps the files of the versions. copy: the
                        directory holds the tables too. Default: pin
  --keep TIME           how long vacuum keeps the pinned versions; default: 30d
  --by NAME             who makes the backup; default: the account and the machine
`;

export const backupCommand: ReturnType<typeof configCommand> = configCommand({
  name: "backup",
  help,
  exitCodes: {
    0: "done",
    1: "failed; the directory holds no backup",
    130: "interrupted; the directory holds no backup",
  },
  options: { to: "text", history: "text", keep: "text", by: "text" },
  required: ["to"],
  audited: true,
  interrupted: "the directory holds no backup; remove it",
  async run({ given, open, progress, signal, printResult, audit, seconds }) {
    const history = given.text("history") ?? "pin";
    if (history !== "pin" && history !== "copy")
      throw usage(`--history ${history} is neither pin nor copy`);
    const keep = (given.text("keep") ?? "30d") as Duration;
    try {
      durationMicros("--keep", keep);
    } catch {
      throw usage(`--keep ${keep}: write a whole number and s, m, h, d or w, as in 30d`);
    }
    const to = given.text("to")!;
    const { store } = await open();
    audit({ to, history });
    const manifest = await store.backup({
      to,
      history,
      keep,
      by: given.text("by"),
      signal,
      onProgress({ what, bytes, total }) {
        progress.update(`${what}: ${bytes} of ${total}, ${seconds()}`);
      },
    });
    audit({ id: manifest.id });
    const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
    printResult({ ...manifest }, [
      ...(manifest.history === null
        ? []
        : manifest.history.tables.map(
            ({ name, version, rows }) => `${name}: version ${version}, ${rows} rows`,
          )),
      ...(manifest.history?.kind === "pinned"
        ? [`${manifest.history.store} keeps these versions until ${manifest.history.until}`]
        : []),
      `${manifest.files.length} files with ${bytes} bytes in ${to}, in ${seconds()}`,
    ]);
    return 0;
  },
});
