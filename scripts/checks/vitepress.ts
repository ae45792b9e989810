import { join } from "node:path";
import { type Step, commands, root, run } from "./step.ts";

export const vitepress = join(root, "docs", "node_modules", "vitepress", "bin", "vitepress.js");

/** The folder of the built site. */
export const site = join(root, "docs", ".vitepress", "dist");

/** Builds the docs site: every page must stand in a section, and every link must lead somewhere. */
export const docs: Step = commands("docs", async () => [
  await run(process.execPath, [vitepress, "build", join(root, "docs")]),
]);
