/** Starts a PostgreSQL, says where it is, and waits to be killed. */
import { startPostgres } from "../../src/index.ts";

const { port, folder } = await startPostgres();
console.log(JSON.stringify({ port, folder }));
setInterval(() => undefined, 1000);
