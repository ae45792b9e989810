/** How long ago a time is, by the store's clock. */
import { useClock } from "../shell/store-time.ts";
import { agoText } from "./texts.ts";

export function Ago({ time }: { readonly time: string }): preact.JSX.Element {
  return <time dateTime={time}>{agoText(time, useClock()())}</time>;
}
