/** `tidemark record`: makes a recording of Kafka topics. */
import { TidemarkError } from "@tidemark/core";
import { bytesText } from "../output/text.ts";
import type { ChangeSource } from "@tidemark/core/spi";
import type { KafkaChanges, KafkaMessage } from "@tidemark/source-debezium";
import { openChangeSource } from "../config/open-configured.ts";
import { loadDebezium } from "../modules/optional-packages.ts";
import { atomicFile } from "../output/atomic-file.ts";
import { writeRecording } from "../output/recording-file.ts";
import { usage, choiceOf, type ParsedOptions } from "../terminal/options.ts";
import { changeSourceName } from "./change-source.ts";
import { configCommand, type CommandRun } from "./config-command.ts";

const help = `Usage: tidemark record [--changes NAME] --out topic.jsonl.gz [options]
       tidemark record --brokers HOST:PORT --topic NAME --out topic.jsonl.gz [options]

Writes the messages of Kafka topics to a file, one message per line, to the byte.
tidemark replay and recordedTopic read the file. Nothing is decoded, and no store is
opened. The file appears when it is complete, and only its owner may read it.

  --changes NAME        a change source of the configuration that reads Kafka; may be
                        left out if there is only one
  --brokers HOST:PORT   brokers to read from without a configuration; may be repeated.
                        TLS and passwords need a configuration
  --topic NAME          with --brokers: a topic, or /pattern/; may be repeated
  --out FILE            .jsonl, or packed as .jsonl.gz or .jsonl.zst
  --from WHERE          beginning (default): with the first message that a log has
                        latest: with messages to come
                        OFFSET: at this offset of each partition
  --until WHEN          caught-up (default): end where the topics end now
                        signal: end with SIGINT or SIGTERM, and keep what was read
  --limit NUMBER        end after so many messages
  --force               replace the file
`;

export const recordCommand: ReturnType<typeof configCommand> = configCommand({
  name: "record",
  help,
  exitCodes: {
    0: "the recording is written",
    1: "failed; no recording was written",
    130: "interrupted before it had caught up; no recording was written",
  },
  options: {
    changes: "text",
    brokers: "texts",
    topic: "texts",
    out: "text",
    from: "text",
    until: "text",
    limit: "text",
    force: "flag",
  },
  required: ["out"],
  withoutConfig: (given) => given.has("brokers"),
  interrupted: "no recording was written; --until signal keeps what was read",
  async run(run) {
    const { given, config, signal, printResult, seconds } = run;
    const out = given.text("out")!;
    const until = choiceOf(given, "until", ["caught-up", "signal"]);
    const from = beginning(given.text("from"));
    const limit = numberOf(given, "limit");
    const source = await kafkaSourceOf(run, until);
    const { recordedLine } = await loadDebezium("tidemark record");
    const file = await atomicFile(out, { force: given.has("force"), input: config.path });
    try {
      const messages = source.messages({ from, until, signal });
      const counted = new Counts();
      const bytes = await writeRecording(
        file,
        out,
        recordingTexts(messages, { limit, until, counted, recordedLine, run }),
      );
      await file.commit();
      const { partitions, count } = counted;
      printResult({ out, messages: count, partitions: Object.fromEntries(partitions), bytes }, [
        `${count} messages of ${partitions.size} partitions in ${seconds()}, ` +
          `${bytesText(bytes)}: ${out}`,
      ]);
      return 0;
    } finally {
      await file.abandon();
    }
  },
});

/** Counts messages by partition. */
class Counts {
  count = 0;
  readonly partitions = new Map<string, number>();

  add({ topic, partition }: KafkaMessage): void {
    const name = `${topic}:${partition}`;
    this.partitions.set(name, (this.partitions.get(name) ?? 0) + 1);
    this.count++;
  }
}

/** Gives the lines of the messages, a batch at a time, up to the limit or the signal. */
async function* recordingTexts(
  messages: AsyncIterable<readonly KafkaMessage[]>,
  {
    limit,
    until,
    counted,
    recordedLine,
    run: { progress, signal, seconds },
  }: {
    readonly limit: number | null;
    readonly until: "caught-up" | "signal";
    readonly counted: Counts;
    readonly recordedLine: (message: KafkaMessage) => string;
    readonly run: CommandRun;
  },
): AsyncGenerator<string> {
  try {
    if (limit === 0) return;
    for await (const batch of messages) {
      const taken = limit === null ? batch : batch.slice(0, limit - counted.count);
      for (const message of taken) counted.add(message);
      if (taken.length > 0) yield taken.map((message) => `${recordedLine(message)}\n`).join("");
      progress.update(`${counted.count} messages, ${seconds()}`);
      if (counted.count === limit) return;
    }
  } catch (error) {
    if (!signal.aborted || until === "caught-up") throw error;
  }
}

async function kafkaSourceOf(
  { given, config, signal }: CommandRun,
  until: "caught-up" | "signal",
): Promise<KafkaChanges> {
  const brokers = given.texts("brokers").flatMap((list) => list.split(","));
  const topics = given.texts("topic").map(topicOrPattern);
  if (brokers.length === 0) {
    if (topics.length > 0)
      throw usage("--topic needs --brokers; a change source of the configuration has its topics");
    const name = changeSourceName(given, config);
    const source = await openChangeSource(config, name, { until, signal });
    if (!readsMessages(source))
      throw new TidemarkError(
        "CONFIG_INVALID",
        `${config.file}: changes.${name} (${source.name}) does not read Kafka, and only Kafka ` +
          "can be recorded; name another change source with --changes, or give --brokers and " +
          "--topic",
      );
    return source;
  }
  if (given.has("changes")) throw usage("--changes and --brokers exclude each other: give one");
  if (topics.length === 0) throw usage("--topic is missing: --brokers needs the topics to record");
  const { kafkaChanges } = await loadDebezium("tidemark record");
  return kafkaChanges({ brokers, topics, until });
}

function readsMessages(source: ChangeSource): source is KafkaChanges {
  return typeof (source as Partial<KafkaChanges>).messages === "function";
}

function topicOrPattern(text: string): string | RegExp {
  const pattern = /^\/(.+)\/$/.exec(text)?.[1];
  if (pattern === undefined) return text;
  try {
    return new RegExp(pattern);
  } catch (error) {
    throw usage(`--topic ${text}: this is no pattern: ${(error as Error).message}`);
  }
}

function beginning(text = "beginning"): "beginning" | "latest" | number {
  if (text === "beginning" || text === "latest") return text;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw usage(`--from ${text}: write beginning, latest, or an offset`);
}

function numberOf(given: ParsedOptions, name: string): number | null {
  const text = given.text(name);
  if (text === undefined) return null;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw usage(`--${name} ${text}: write a number`);
}
