/** Checks TLS certificates. */
import { createSecureContext } from "node:tls";
import { TidemarkError } from "@tidemark/core";
import type { TlsTexts } from "../options/server-options.ts";

/**
 * Returns the texts if the certificate and the key belong together. Otherwise the error would come
 * with the first connection.
 *
 * @throws SERVER_OPTIONS_INVALID when the certificate and the key do not belong together.
 */
export function checkedTls({ cert, key }: TlsTexts): TlsTexts {
  try {
    createSecureContext({ cert, key });
  } catch (cause) {
    throw new TidemarkError(
      "SERVER_OPTIONS_INVALID",
      "featureServer: the TLS certificate and the key do not belong together " +
        `(${(cause as Error).message}); give both as PEM texts`,
      { cause },
    );
  }
  return { cert, key };
}
