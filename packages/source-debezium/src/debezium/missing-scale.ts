/** The error of a decimal whose scale nothing says. */
import type { RowDecoder } from "@tidemark/core/internal";
import { TidemarkError } from "@tidemark/core";
import type { CurrentMessage } from "./current-message.ts";

/**
 * Makes a function that throws for a column of the current message.
 *
 * @throws DECIMAL_WITHOUT_SCALE always.
 */
export function missingScale(
  current: CurrentMessage,
): (decoder: RowDecoder, column: string) => never {
  return (decoder, column) => {
    const { topic, partition, offset } = current.message;
    throw new TidemarkError(
      "DECIMAL_WITHOUT_SCALE",
      `source "${decoder.source.name}": column "${column}" of ${topic} (partition ` +
        `${partition}, offset ${offset}) ` +
        "is a decimal as base64, and neither a schema nor the definition gives its scale; set " +
        "the connector's decimal.handling.mode=string, " +
        "send schemas (value.converter.schemas.enable=true), or declare the column as " +
        "decimal(p, s); declare a bit(n) or another column of bytes as string() or bytes()",
    );
  };
}
