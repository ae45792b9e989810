/** Properties of the lines of recordings, on generated messages and damaged bytes. */
import fc from "fast-check";
import { isTidemarkError } from "@tidemark/core";
import { kafkaMessage, type KafkaMessageParts } from "@tidemark/source-debezium";
import { expect, test } from "vitest";
import { recordedLine, recordedMessage } from "../../src/recorded/recorded-line.ts";
import { parameters } from "../support/seed.ts";

const location = "topic.jsonl:1";
const read = (text: string | Buffer) => recordedMessage({ text, location, ended: true });
const content = fc.oneof(
  fc.constant(null),
  fc.string({ unit: "binary" }),
  fc.json(),
  fc.uint8Array({ maxLength: 40 }),
);
const messages: fc.Arbitrary<KafkaMessageParts> = fc.record({
  topic: fc.stringMatching(/^[a-zA-Z0-9._-]{1,20}$/),
  partition: fc.nat(),
  offset: fc.maxSafeNat(),
  timestamp: fc.option(fc.integer({ min: 0 })),
  key: content,
  value: content,
  headers: fc.array(fc.tuple(fc.string({ unit: "binary" }), content), { maxLength: 4 }),
});
/** The headers in the order of their names. Headers of one name keep their order. */
const byName = (headers: ReturnType<typeof kafkaMessage>["headerBytes"]) =>
  headers
    .map(([name, bytes]) => [name, bytes && Buffer.from(bytes).toString("hex")] as const)
    .toSorted(([a], [b]) => Number(a > b) - Number(a < b));

test("a written message is read as the same message", () => {
  fc.assert(
    fc.property(messages, (parts) => {
      const message = kafkaMessage(parts);
      const again = read(recordedLine(message));
      const { topic, partition, offset, timestamp } = again;
      expect({ topic, partition, offset, timestamp }).toEqual({
        topic: message.topic,
        partition: message.partition,
        offset: message.offset,
        timestamp: message.timestamp,
      });
      expect(again.key && Buffer.from(again.key)).toEqual(message.key && Buffer.from(message.key));
      expect(again.value && Buffer.from(again.value)).toEqual(
        message.value && Buffer.from(message.value),
      );
      expect(byName(again.headerBytes)).toEqual(byName(message.headerBytes));
    }),
    parameters,
  );
});

test("JSON in place of a text keeps its characters", () => {
  fc.assert(
    fc.property(fc.json(), fc.json(), fc.constantFrom("", " ", "\t"), (key, value, space) => {
      fc.pre(!/^\s*(?:"|null)/.test(key) && !/^\s*(?:"|null)/.test(value));
      fc.pre(!/\\u[dD][89a-fA-F]/.test(key + value));
      const members = [
        `"value"${space}:${space}${value}${space}`,
        `"key":${key}`,
        '"topic":"t"',
        '"partition":0,"offset":1',
      ];
      const line = `{${space}${members.join(`,${space}`)}}`;
      expect(read(line)).toMatchObject({ keyText: key.trim(), valueText: value.trim() });
    }),
    parameters,
  );
});

test("damaged lines are read, or refused by name", () => {
  const line = recordedLine(
    kafkaMessage({
      topic: "t",
      partition: 0,
      offset: 0,
      timestamp: 0,
      key: '{"id":1}',
      value: '{"a":"é","b":[1,{"c":2}]}',
      headers: [["h", "1"]],
    }),
  );
  const place = fc.nat(line.length);
  fc.assert(
    fc.property(place, place, fc.uint8Array({ maxLength: 3 }), fc.boolean(), (a, b, put, text) => {
      const bytes = Buffer.from(line);
      const [from, to] = [Math.min(a, b), Math.max(a, b)];
      const damaged = Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(to)]);
      try {
        read(text ? damaged.toString("utf8") : damaged);
      } catch (error) {
        if (!isTidemarkError(error, "TOPIC_LINE_INVALID")) throw error;
        expect(error.message).toMatch(/^topic\.jsonl:1: /);
      }
    }),
    parameters,
  );
});
