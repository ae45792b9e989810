import { library } from "../../tsup.shared.ts";

export default library([
  "src/index.ts",
  "src/testing/index.ts",
  "src/encode-task.ts",
  "src/decode-task.ts",
]);
