/** Asks for the token of a server with tokens. */
import { useState } from "preact/hooks";
import { storeToken, type ApiError } from "../api/http.ts";
import { ErrorText } from "../parts/error-text.tsx";

export function SignIn({
  error,
  onDone,
}: {
  /** Why the token of before is not enough. */
  readonly error: ApiError;
  readonly onDone: () => void;
}): preact.JSX.Element {
  const [token, setToken] = useState("");
  return (
    <main class="sign-in">
      <h1>Tidemark</h1>
      <p>This server needs a token. The console keeps it until the tab is closed.</p>
      {error.code === "TOKEN_MISSING" ? null : <ErrorText error={error} />}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          storeToken(token.trim());
          onDone();
        }}
      >
        <label class="field">
          <span>Token</span>
          <input
            type="password"
            autocomplete="off"
            required
            value={token}
            onInput={({ currentTarget }) => setToken(currentTarget.value)}
          />
        </label>
        <button type="submit" class="primary">
          Sign in
        </button>
      </form>
    </main>
  );
}
