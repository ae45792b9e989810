/** Shows an answer, or why there is none yet. */
import type { ComponentChildren } from "preact";
import type { Asked } from "../api/use-answer.ts";
import { ErrorText } from "./error-text.tsx";

export function Loaded<T>({
  asked,
  children,
}: {
  readonly asked: Asked<T>;
  readonly children: (data: T) => ComponentChildren;
}): preact.JSX.Element {
  const { data, error } = asked;
  return (
    <>
      {error === undefined ? null : <ErrorText error={error} />}
      {data === undefined ? (
        error === undefined && asked.isWaiting ? (
          <p class="hint" role="status">
            Loading …
          </p>
        ) : null
      ) : (
        children(data)
      )}
    </>
  );
}
