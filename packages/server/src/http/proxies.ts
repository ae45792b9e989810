/** Reads the addresses of the proxies before a server. */
import { isIP } from "node:net";
import { TidemarkError } from "@tidemark/core";

/**
 * Returns the addresses in Fastify's form; false if there is no proxy. A number of proxies is not
 * taken: a caller that reaches the server directly could then give any address as its own.
 *
 * @throws SERVER_OPTIONS_INVALID when an address is none.
 */
export function proxiesOf(given: string | readonly string[] | undefined): string[] | false {
  if (given === undefined) return false;
  const addresses = typeof given === "string" ? [given] : given;
  const wrong: unknown = Array.isArray(addresses)
    ? addresses.find((one: unknown) => typeof one !== "string" || !isNetwork(one))
    : given;
  if (wrong !== undefined)
    throw new TidemarkError(
      "SERVER_OPTIONS_INVALID",
      `featureServer: trustProxy ${JSON.stringify(wrong)} is no address of a proxy; ` +
        'give addresses such as "10.1.2.3" or networks such as "10.0.0.0/8"',
    );
  return addresses.length === 0 ? false : [...addresses];
}

function isNetwork(text: string): boolean {
  const [address = "", bits, more] = text.split("/");
  const version = isIP(address);
  return (
    version !== 0 &&
    more === undefined &&
    (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128)))
  );
}
