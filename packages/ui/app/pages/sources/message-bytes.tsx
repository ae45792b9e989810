/** The first bytes of a message that could not be decoded. */
import type { BytesText, MessageBytes } from "../../api/types.ts";
import { bytesText } from "../../parts/texts.ts";

export function OriginalBytes({
  original,
}: {
  readonly original: MessageBytes | null;
}): preact.JSX.Element | null {
  if (original === null) return null;
  const { key, value } = original;
  return (
    <details>
      <summary>Bytes</summary>
      <Bytes title="Key" bytes={key} />
      <Bytes title="Value" bytes={value} />
    </details>
  );
}

function Bytes({
  title,
  bytes,
}: {
  readonly title: string;
  readonly bytes: BytesText | null;
}): preact.JSX.Element {
  if (bytes === null) return <p>{title}: none</p>;
  const { text, encoding, size } = bytes;
  return (
    <p>
      {title}, {bytesText(size)}
      {encoding === "hex" ? ", in hexadecimal digits" : ""}: <code class="exact">{text}</code>
    </p>
  );
}
