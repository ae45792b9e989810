import type { Options } from "tsup";
import { library } from "../../tsup.shared.ts";
import kernel from "./tsup.kernel.ts";

export default [library(["src/index.ts"]) as Options, kernel];
