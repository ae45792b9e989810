/** Makes or restores a backup, and kills itself at the n-th visit of a step. */
import { restoreBackup } from "@tidemark/core";
import { definitions, openIn, stores } from "./backup-log.ts";

/** The settings of a child, passed as JSON. */
export interface BackupRun {
  readonly folder: string;
  readonly backup: string;
  readonly call: "backup" | "restore";
  readonly kill: { readonly step: string; readonly occurrence: number };
}

const { folder, backup, call, kill } = JSON.parse(process.argv[2]!) as BackupRun;
let visits = 0;
/** Kills in the middle of a copy too. */
const onProgress = (): void => {
  failpoint("progress");
};
const failpoint = (step: string): void => {
  if (step === kill.step && ++visits === kill.occurrence) process.kill(process.pid, "SIGKILL");
};

if (call === "backup") {
  const store = await openIn(folder);
  await store.backup({ to: backup, history: "copy", failpoint, onProgress });
} else {
  await restoreBackup({
    from: backup,
    definitions,
    ...stores(folder),
    replaceOnline: true,
    failpoint,
    onProgress,
  });
}
