export type { ClientOptions } from "./client-options.ts";
