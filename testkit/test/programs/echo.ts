/** Prints its arguments and its input. With `--fail` it ends with 3 after its input. */
import process from "node:process";

const args = process.argv.slice(2);
console.log([...args, process.env["GREETING"]].map(String).join(" "));
for await (const text of process.stdin) process.stdout.write(String(text));
if (args.includes("--fail")) {
  console.error("it failed");
  process.exitCode = 3;
}
