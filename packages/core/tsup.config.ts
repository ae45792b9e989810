import { library } from "../../tsup.shared.ts";

export default library([
  "src/index.ts",
  "src/spi.ts",
  "src/internal.ts",
  "src/internal-columns.ts",
  "src/testing/index.ts",
  "src/split-task.ts",
  "src/task-worker.ts",
]);
