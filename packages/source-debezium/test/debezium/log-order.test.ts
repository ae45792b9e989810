import { expect, test } from "vitest";
import { postgresPlace } from "../../src/debezium/log-order.ts";

test.for([
  ["a change before any commit", "100", '[null,"100"]', { order: 100n }],
  ["a change after the last commit", "100", '["90","100"]', { order: 100n }],
  ["a change right at the end of the last commit", "100", '["100","100"]', { order: 100n }],
  [
    "a change from before the last commit",
    "100",
    '["160","100"]',
    { order: 100n, committedAfter: 160n },
  ],
  ["a change without sequence", "100", null, { order: 100n }],
  ["a snapshot row that was read in a transaction", null, '["90","100"]', { order: 100n }],
  ["a snapshot row that was read at a commit", null, '["100","100"]', { order: 99n }],
  ["a snapshot row that was read after a commit", null, '["160","100"]', { order: 159n }],
  ["a snapshot row before any commit", null, '[null,"100"]', { order: 100n }],
  ["a row without both", null, null, { order: null }],
  [
    "a change beyond 4 PiB of log",
    String(2n ** 52n),
    `["${2n ** 52n + 8n}","1"]`,
    { order: 2n ** 52n },
  ],
] as const)("%s", ([, lsn, sequence, place]) => {
  expect(postgresPlace(lsn, sequence)).toEqual(place);
});
