/** `npm run fix`: lints, repairs findings, and formats. */
import { runTool } from "./checks/step.ts";

const lint = await runTool("oxlint", ["--fix"], { show: true });
const format = await runTool("oxfmt", [], { show: true });
process.exitCode = Math.max(lint.code, format.code);
