/** An error of the API, with its stable code. */
import type { ApiError } from "../api/http.ts";

export function ErrorText({ error }: { readonly error: ApiError }): preact.JSX.Element {
  return (
    <div class="error" role="alert">
      <strong>{error.code}</strong>
      <p>{error.message}</p>
    </div>
  );
}
