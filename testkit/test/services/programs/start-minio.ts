/** Starts a MinIO, prints its process, its folder and its address, and waits to be killed. */
import { execFileSync } from "node:child_process";
import { startMinio } from "@tidemark/testkit/services/minio";

const { endpoint } = await startMinio();
const line = execFileSync("ps", ["-A", "-o", "pid=,args="], { encoding: "utf8" })
  .split("\n")
  .find((one) => one.includes(`--address ${new URL(endpoint).host}`))!;
const [, pid, data] = /^\s*(\d+) .* server (\S+) /.exec(line)!;
console.log(JSON.stringify({ pid: Number(pid), data, endpoint }));
setInterval(() => undefined, 1000);
