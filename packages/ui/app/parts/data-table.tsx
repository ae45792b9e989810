/** A table that scrolls sideways where it is too wide. */
import type { ComponentChildren } from "preact";

/** One column of a table. */
export interface TableColumn<Row> {
  readonly title: string;
  readonly cell: (row: Row) => ComponentChildren;
  /** Numbers stand at the right. */
  readonly isNumber?: boolean;
}

export function DataTable<Row>({
  label,
  columns,
  rows,
  empty = "None.",
}: {
  /** What the table holds, for screen readers. */
  readonly label: string;
  readonly columns: readonly TableColumn<Row>[];
  readonly rows: readonly Row[];
  /** What is shown in place of a table without rows. */
  readonly empty?: ComponentChildren;
}): preact.JSX.Element {
  if (rows.length === 0) return <p class="hint">{empty}</p>;
  return (
    <div class="scroll" role="region" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {columns.map(({ title, isNumber }) => (
              <th key={title} scope="col" class={isNumber === true ? "number" : undefined}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, r) => (
            <tr key={r}>
              {columns.map(({ title, cell, isNumber }) => (
                <td key={title} class={isNumber === true ? "number" : undefined}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
