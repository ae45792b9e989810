/** Code that can be copied. */
import { useState } from "preact/hooks";

export function Code({
  title,
  text,
}: {
  readonly title: string;
  readonly text: string;
}): preact.JSX.Element {
  return (
    <figure class="code">
      <figcaption>
        {title} <CopyButton what={title} text={text} />
      </figcaption>
      <pre tabIndex={0} aria-label={title}>
        <code>{text}</code>
      </pre>
    </figure>
  );
}

/** Copies a text. `text` may be asked for when the button is pressed. */
export function CopyButton({
  what,
  text,
  label = "Copy",
}: {
  /** What is copied, for screen readers. */
  readonly what: string;
  readonly text: string | (() => Promise<string>);
  readonly label?: string;
}): preact.JSX.Element {
  const [state, setState] = useState<string>(label);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(typeof text === "string" ? text : await text());
      setState("Copied");
    } catch (error) {
      setState(error instanceof Error ? error.message : "It could not be copied");
    }
    setTimeout(() => setState(label), 2000);
  };
  return (
    <button
      type="button"
      class="quiet"
      aria-label={`${label}: ${what}`}
      onClick={() => void copy()}
    >
      {state}
    </button>
  );
}
