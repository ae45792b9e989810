/** Starts a PostgreSQL in the way of the argument, prints its address, and waits to be killed. */
import { startNetwork } from "../../../src/services/network.ts";
import { startPostgres } from "../../../src/services/index.ts";

const network = process.argv[2] === "docker" ? await startNetwork() : undefined;
const { port } = await startPostgres({ network });
console.log(JSON.stringify({ port, network: network?.id }));
setInterval(() => undefined, 1000);
