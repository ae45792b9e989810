/** Tests bytes as text in their encodings, and bit(n) and other bytes of a schema. */
import type { ColumnSpec, Value } from "@tidemark/core/spi";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parameters } from "../support/seed.ts";
import { column } from "../support/sources.ts";
import {
  idField,
  messageOf,
  readChanges,
  readValues,
  sourceOf,
  warnings,
} from "../support/wire.ts";

const read = (spec: ColumnSpec, text: string, field?: object): Value | undefined =>
  readValues(sourceOf([spec]), [
    messageOf(
      JSON.stringify({ id: 1, c: text }),
      field === undefined ? {} : { fields: [idField, { ...field, field: "c" }] },
    ),
  ])[0];
const bytes = column("c", "bytes");
const encoded = (encoding: "hex" | "base64" | "base64url"): ColumnSpec =>
  column("c", "bytes", { encoding });
const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"));

describe("the encoding of bytes", () => {
  test("a text that is hex is refused unless the encoding is declared", () => {
    const { message } = readChanges(sourceOf([bytes]), [
      messageOf('{"id":1,"c":"deadbeefcafe0102"}'),
    ])[0]!.invalidColumns[0]!;
    expect(message).toContain('bytes("c", { encoding: "hex" })');
    for (const text of ["deadbeef", "DEADBEEF", "12345678", "dead", "beef01"])
      expect(read(bytes, text)).toBe("BYTES_ENCODING_UNCLEAR");
    expect(read(encoded("hex"), "deadbeefcafe0102")).toEqual(hex("deadbeefcafe0102"));
    expect(read(encoded("base64"), "deadbeef")).toEqual(hex("75e69d6de79f"));
  });

  test("a text that is base64 alone is read without a declaration", () => {
    expect(read(bytes, "3q2+7w==")).toEqual(hex("deadbeef"));
    expect(read(bytes, "")).toEqual(new Uint8Array(0));
    expect(read(bytes, "DeadBeef")).toEqual(hex("0de69d05e79f"));
  });

  test("a schema of bytes is base64, whatever the text looks like", () => {
    expect(read(bytes, "deadbeef", { type: "bytes" })).toEqual(hex("75e69d6de79f"));
    const { codes, onWarning } = warnings();
    const message = messageOf('{"id":1,"c":"3q2+7w=="}', {
      fields: [idField, { type: "bytes", field: "c" }],
    });
    const source = sourceOf([encoded("hex")]);
    expect(readValues(source, [message], { onWarning })).toEqual([hex("deadbeef")]);
    expect(codes).toEqual(["BYTES_ENCODING_CONTRADICTS"]);
  });

  test("base64url is read if it is declared, and named otherwise", () => {
    expect(read(encoded("base64url"), "3q2-7w==")).toEqual(hex("deadbeef"));
    expect(read(encoded("base64url"), "3q2-7w")).toEqual(hex("deadbeef"));
    const [change] = readChanges(sourceOf([bytes]), [messageOf('{"id":1,"c":"3q2-7w=="}')]);
    expect(change!.invalidColumns[0]).toMatchObject({ reason: "NOT_BYTES" });
    expect(change!.invalidColumns[0]!.message).toContain('encoding: "base64url"');
    expect(change!.logged!.row).toBe('{"id":1,"c":"3q2-7w=="}');
  });

  test("a text of another encoding than the declared one is no bytes", () => {
    expect(read(encoded("hex"), "3q2+7w==")).toBe("NOT_BYTES");
    expect(read(encoded("hex"), "abc")).toBe("NOT_BYTES");
    expect(read(encoded("base64"), "3q2-7w==")).toBe("NOT_BYTES");
    expect(read(encoded("base64url"), "3q2+7w==")).toBe("NOT_BYTES");
  });

  test("any bytes are read in their declared encoding, and never as others without one", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), (value) => {
        const buffer = Buffer.from(value);
        for (const encoding of ["hex", "base64", "base64url"] as const)
          expect(read(encoded(encoding), buffer.toString(encoding))).toEqual(value);
        for (const text of [buffer.toString("hex"), buffer.toString("base64")]) {
          const found = read(bytes, text);
          if (typeof found === "string") expect(found).toBe("BYTES_ENCODING_UNCLEAR");
          else expect(found).toEqual(value);
        }
      }),
      parameters,
    );
  });
});

describe("bit(n) with a schema", () => {
  const bits = { type: "bytes", name: "io.debezium.data.Bits", parameters: { length: "12" } };

  test("is the same text as without a schema", () => {
    expect(read(column("c", "string"), "BQE=", bits)).toBe("BQE=");
    expect(read(column("c", "string"), "BQE=")).toBe("BQE=");
  });

  test("is its bytes, or its number, whose lowest byte comes first", () => {
    expect(read(bytes, "BQE=", bits)).toEqual(new Uint8Array([5, 1]));
    expect(read(column("c", "int64"), "BQE=", bits)).toBe(261n);
    expect(read(column("c", "int32"), "BQE=", bits)).toBe(261);
    expect(read(column("c", "int64"), "//////////8=", bits)).toBe("INTEGER_OUT_OF_RANGE");
  });

  test("is no decimal, no float, no boolean and no time", () => {
    expect(read(column("c", "decimal", { precision: 9, scale: 2 }), "BQE=", bits)).toBe(
      "NOT_A_DECIMAL",
    );
    expect(read(column("c", "float64"), "BQE=", bits)).toBe("NOT_A_NUMBER");
    expect(read(column("c", "boolean"), "BQE=", bits)).toBe("NOT_A_BOOLEAN");
    expect(read(column("c", "timestamp"), "BQE=", bits)).toBe("NOT_A_TIME");
  });

  test("the message names the type to declare", () => {
    const message = messageOf('{"id":1,"c":"BQE="}', {
      fields: [idField, { ...bits, field: "c" }],
    });
    const [change] = readChanges(sourceOf([column("c", "float64")]), [message]);
    expect(change!.invalidColumns[0]!.message).toContain(
      "io.debezium.data.Bits, which is no number; declare the column as string()",
    );
  });
});

test.each([
  [{ type: "bytes" }, "BBo="],
  [{ type: "bytes", name: "com.example.Hash" }, "BBo="],
])("bytes of schema %o are no number, and text as they are", (field, text) => {
  expect(read(column("c", "decimal", { precision: 9, scale: 2 }), text, field)).toBe(
    "NOT_A_DECIMAL",
  );
  expect(read(column("c", "float64"), text, field)).toBe("NOT_A_NUMBER");
  expect(read(column("c", "int64"), text, field)).toBe("NOT_AN_INTEGER");
  expect(read(column("c", "string"), text, field)).toBe(text);
});

test("a struct with a scale and a value is a decimal only if its schema says so", () => {
  const struct = '{"id":1,"c":{"scale":2,"value":"BBo="}}';
  const named = (name: string): ReturnType<typeof messageOf> =>
    messageOf(struct, { fields: [idField, { type: "struct", name, field: "c" }] });
  const source = sourceOf([column("c", "decimal", { precision: 9, scale: 2 })]);
  expect(readValues(source, [named("io.debezium.data.VariableScaleDecimal")])).toEqual([1050n]);
  expect(readValues(source, [named("com.example.Scaled")])).toEqual(["NOT_A_DECIMAL"]);
  const text = sourceOf([column("c", "string")]);
  expect(readValues(text, [named("com.example.Scaled")])).toEqual(['{"scale":2,"value":"BBo="}']);
});
