/** `tidemark engine`: makes what an engine needs on other machines. */
import { packEngine } from "@tidemark/engine-spark";
import { didYouMean } from "@tidemark/core/internal";
import { readOptions, usage } from "../terminal/options.ts";
import type { CommandContext } from "../terminal/progress.ts";

const help = `Usage: tidemark engine pack [--platform linux-x64] [--out node.tar.gz] [options]

Packs Node and the kernel into an archive, for sparkEngine({ archive }) and for
spark-submit --archives node.tar.gz#node. Spark unpacks it on each of its machines. Node
is that of this process if the platform is the same. Otherwise npm brings a package with
it, whose hash is compared with the one that this version of Tidemark knows.

  --platform NAME       linux-x64 or linux-arm64: the machines of the cluster; default:
                        that of this machine
  --out FILE            default: node.tar.gz; an archive that is there is replaced
  --node FILE           a Node for that platform, where npm does not reach its registry
  --kernel FILE         the kernel; default: dist/kernel.js of @tidemark/engine-spark
  --json                print the result as one line of JSON
  --help                print this text

Exit codes:
  0    packed
  1    failed; nothing was written
  2    the command line is wrong
  130  interrupted; nothing was written
`;

const OPTIONS = {
  platform: "text",
  out: "text",
  node: "text",
  kernel: "text",
  json: "flag",
  help: "flag",
} as const;
const ACTIONS = ["pack"];

/** Runs the command and returns its exit code. */
export async function engineCommand(
  args: readonly string[],
  { stdout, signal }: Pick<CommandContext, "stdout" | "signal">,
): Promise<number> {
  const [action] = args;
  const named = action !== undefined && !action.startsWith("-");
  if (named && !ACTIONS.includes(action))
    throw usage(`engine ${action} is none of ${ACTIONS.join(", ")}${didYouMean(action, ACTIONS)}`);
  const given = readOptions(named ? args.slice(1) : args, OPTIONS);
  if (given.has("help")) {
    stdout.write(help);
    return 0;
  }
  if (!named) throw usage(`say what to do: engine ${ACTIONS.join(", ")}`);
  const packed = await packEngine({
    out: given.text("out") ?? "node.tar.gz",
    platform: given.text("platform"),
    node: given.text("node"),
    kernel: given.text("kernel"),
    signal,
  });
  const { out, platform, node, bytes, sha256, kernel } = packed;
  stdout.write(
    given.has("json")
      ? `${JSON.stringify(packed)}\n`
      : `${out}: Node for ${platform} from ${node}, ${(bytes / 2 ** 20).toFixed(1)} MiB\n` +
          `sha256 ${sha256}\nkernel ${kernel}\n`,
  );
  return 0;
}
