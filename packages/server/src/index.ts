export type { Scope, ServerOptions } from "./server-options.ts";
