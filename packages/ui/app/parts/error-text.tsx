/** An error of the API, with its stable code. */
import type { ApiError } from "../api/http.ts";

export function ErrorText({ error }: { readonly error: ApiError }): preact.JSX.Element {
  // a store without a history, or without an online store, is no fault
  if (error.code === "STORE_MISSING") return <p class="hint">{error.message}</p>;
  return (
    <div class="error" role="alert">
      <strong>{error.code}</strong>
      <p>{error.message}</p>
    </div>
  );
}
