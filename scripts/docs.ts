/**
 * `npm run docs`: builds the docs site into docs/.vitepress/dist. `npm run docs -- dev` and `--
 * preview` show it.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { vitepress } from "./checks/vitepress.ts";
import { root } from "./checks/step.ts";

const [command = "build", ...args] = process.argv.slice(2);
process.exitCode =
  spawnSync(process.execPath, [vitepress, command, join(root, "docs"), ...args], {
    stdio: "inherit",
  }).status ?? 1;
