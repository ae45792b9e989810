export type { CallOptions, ClientOptions } from "./client-options.ts";
export { createClient, type Client, type ServiceClient } from "./client.ts";
