/** Encodes a request for features as the JSON of the server's API. */
import { TidemarkError } from "@tidemark/core";
import { formatTime, type ColumnSpec, type SelectedFeature } from "@tidemark/core/spi";
import {
  keyReader,
  requestedKeys,
  roleOf,
  timeOf,
  wordOption,
  type OnlineRequestInput,
} from "@tidemark/core/internal";
import { wireValue } from "./wire.ts";

/** The body of a request, without the member `features`. */
export interface RequestBody {
  readonly entities: readonly unknown[];
  readonly asOf?: string;
  readonly metadata?: true;
  readonly onMissing?: "null";
}

/**
 * Encodes the body of a request, without the member `features`. Wrong keys and times are refused
 * before a request is sent.
 *
 * @throws OPTION_UNKNOWN when the request has an option that does not exist.
 * @throws OPTION_INVALID when the request has both `entity` and `entities`, or neither; or when
 * `onMissing` is not allowed.
 * @throws KEY_INVALID when an entity's keys are wrong.
 * @throws TIME_INVALID when `asOf` is no time.
 */
export async function requestBody(
  needed: readonly ColumnSpec[],
  request: OnlineRequestInput,
): Promise<RequestBody> {
  const { metadata, asOf } = request;
  if (request.requestId !== undefined)
    throw new TidemarkError(
      "OPTION_UNKNOWN",
      "getOnlineFeatures of a client has no option requestId: the server gives each request its " +
        "id; leave the option out",
    );
  const onMissing = wordOption("onMissing", request.onMissing, ["error", "null"]);
  const read = keyReader(needed, { extra: false });
  const keys = await requestedKeys("getOnlineFeatures", request, { needed, read });
  const plain = needed.every(
    ({ type }) => type === "string" || type === "boolean" || type === "int32",
  );
  return {
    entities: plain
      ? keys
      : keys.map((values) =>
          Object.fromEntries(needed.map((key) => [key.name, wireValue(values[key.name]!, key)])),
        ),
    ...(asOf === undefined ? {} : { asOf: formatTime(timeOf(asOf, "asOf")) }),
    ...(metadata === true ? { metadata } : {}),
    ...(onMissing === "null" ? { onMissing } : {}),
  };
}

/**
 * Returns a reference to each selected feature. The answer then has the features of the client's
 * definitions, even if the server's definitions have more features.
 */
export function referencesOf(selection: readonly SelectedFeature[]): readonly string[] {
  return selection.map((one) => {
    const { view, feature, as } = one;
    const role = Object.entries(roleOf(one) ?? {}).map(([name, other]) => `${name}=${other}`);
    return (
      `${view.name}:${feature.name}${as === feature.name ? "" : ` as ${as}`}` +
      (role.length === 0 ? "" : ` by ${role.join(",")}`)
    );
  });
}

/** Returns the columns of the answer, in the order of the selection. */
export function columnsOf(selection: readonly SelectedFeature[]): readonly ColumnSpec[] {
  return selection.map(({ feature, as }) => ({ ...feature.result, name: as }));
}
