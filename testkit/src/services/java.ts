/** Starts the programs of Kafka. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { kafkaJars } from "./toolchain.ts";

const LOGGING = `<Configuration status="ERROR">
<Appenders><Console name="out">
<PatternLayout pattern="%d{HH:mm:ss.SSS} %p %c{1} %m%n"/>
</Console></Appenders>
<Loggers>
<Root level="WARN"><AppenderRef ref="out"/></Root>
<Logger name="kafka.server.KafkaRaftServer" level="INFO"/>
<Logger name="io.debezium" level="INFO"/>
</Loggers>
</Configuration>\n`;

/** Returns the arguments that start a class of Kafka. */
export function javaArguments(
  folder: string,
  main: string,
  args: readonly string[],
  heap: number,
): string[] {
  const logging = join(folder, "log4j2.xml");
  writeFileSync(logging, LOGGING);
  return [
    `-Xmx${heap}m`,
    "-XX:+UseSerialGC",
    `-Dlog4j2.configurationFile=${logging}`,
    "-cp",
    join(kafkaJars, "*"),
    main,
    ...args,
  ];
}

/** Writes a file of properties. */
export function writeProperties(
  path: string,
  properties: Readonly<Record<string, string | number>>,
): void {
  writeFileSync(
    path,
    Object.entries(properties)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(""),
  );
}

/**
 * Returns the variable with which the images of Kafka and Connect take a property: `KAFKA_LOG_DIRS`
 * for `log.dirs`.
 */
export function environmentName(prefix: string, property: string): string {
  const name = property.replaceAll("_", "__").replaceAll("-", "___").replaceAll(".", "_");
  return `${prefix}_${name.toUpperCase()}`;
}
