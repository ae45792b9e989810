/** Gives the row of the current message as the log keeps it. */
import { type RowDecoder, wellFormedJson } from "@tidemark/core/internal";
import type { LoggedRow } from "@tidemark/core/spi";
import type { CurrentMessage } from "./current-message.ts";
import { type MessageKeys, oldKeyText } from "./message-key.ts";

/** Makes the function that gives the logged row, read by the decoder of its table. */
export function loggedRows(
  current: CurrentMessage,
  keys: MessageKeys,
): (decoder: RowDecoder) => LoggedRow {
  return (decoder) => {
    const { message, payload, row, isUnwrapped, sourceOrigin } = current;
    const key = keys.logged(message, row);
    const oldKey = oldKeyText(message.headers);
    return {
      row: row === null ? null : wellFormedJson(row.object()),
      key: key === null || key.text === null ? null : wellFormedJson(key.text),
      oldKey: oldKey === null ? null : wellFormedJson(oldKey),
      format: decoder.format(row === null ? null : payload.schema(), {
        unwrapped: isUnwrapped,
        keySchema: key === null ? null : key.schema,
        keyMembers: key?.names ?? null,
        otherKeys: keys.areOtherColumns(message.topic),
        origin: decoder.source.keyFrom === undefined ? null : sourceOrigin,
      }),
    };
  };
}
