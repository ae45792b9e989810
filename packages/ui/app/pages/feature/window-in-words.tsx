/** Draws the window of a feature: what is inside, and where its edges are. */
const HEIGHT = 62;

export function WindowInWords({
  windows,
}: {
  /** The windows of the feature in words, such as `7d`. The first is drawn. */
  readonly windows: readonly string[];
}): preact.JSX.Element | null {
  const length = /^\d+\w+/.exec(windows[0] ?? "")?.[0];
  if (length === undefined) return null;
  return (
    <svg
      viewBox={`0 0 420 ${HEIGHT}`}
      width="100%"
      style={{ maxWidth: "420px" }}
      role="img"
      aria-label={
        `The window has the ${length} before the time t of a request. ` +
        "A row at its beginning is inside, and a row at t is outside."
      }
    >
      <rect class="window" x={120} y={8} width={220} height={26} />
      <line class="axis" x1={10} x2={410} y1={34} y2={34} />
      <circle class="row-inside" cx={120} cy={21} r={5} />
      <circle class="row-inside" cx={240} cy={21} r={5} />
      <circle class="row-outside" cx={340} cy={21} r={5} />
      <circle class="row-outside" cx={70} cy={21} r={5} />
      <text class="tick" x={120} y={52} text-anchor="middle">
        t − {length}
      </text>
      <text class="tick" x={340} y={52} text-anchor="middle">
        t
      </text>
    </svg>
  );
}
