/** The time machine. */
export function TimePage(): preact.JSX.Element {
  return <h1>Time machine</h1>;
}
