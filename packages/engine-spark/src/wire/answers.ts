/** Frames of answers: for each feature its values, its statuses and its event times. */
import type { DeriveNode, EngineColumn, TypeSpec } from "@tidemark/core/spi";
import { BufferReader, BufferWriter, readColumn, writeColumn } from "./columns.ts";
import type { Frame } from "./frames.ts";

const STATUS: TypeSpec = { type: "boolean", nullable: false };
const TIME: TypeSpec = { type: "timestamp", nullable: true };

/** The types of the values of a plan. */
export function answerTypes({ columns }: DeriveNode): readonly TypeSpec[] {
  return columns.map(({ value }) => value);
}

/** Writes the answers to so many entity rows. */
export function writeAnswers(
  types: readonly TypeSpec[],
  answers: readonly EngineColumn[],
  length: number,
): readonly Uint8Array[] {
  const writer = new BufferWriter();
  writer.pair(length, 0);
  answers.forEach(({ values, statuses, times }, i) => {
    writeColumn(writer, types[i]!, values);
    writeColumn(writer, STATUS, { kind: "boolean", values: statuses, valid: null });
    const valid = Uint8Array.from(times, (time) => (Number.isNaN(time) ? 0 : 1));
    writeColumn(writer, TIME, { kind: "float64", values: times, valid });
  });
  return writer.parts;
}

/** Reads the answers of a frame. */
export function readAnswers(
  types: readonly TypeSpec[],
  { body }: Frame,
): { readonly length: number; readonly answers: readonly EngineColumn[] } {
  const reader = new BufferReader(body);
  const [length] = reader.pair();
  const answers = types.map((type): EngineColumn => {
    const values = readColumn(reader, type, length);
    const statuses = readColumn(reader, STATUS, length) as { readonly values: Uint8Array };
    const { values: times, valid } = readColumn(reader, TIME, length) as {
      readonly values: Float64Array;
      readonly valid: Uint8Array | null;
    };
    for (let i = 0; i < length; i++) if (valid !== null && valid[i] === 0) times[i] = NaN;
    return { values, statuses: statuses.values, times };
  });
  reader.end();
  return { length, answers };
}
