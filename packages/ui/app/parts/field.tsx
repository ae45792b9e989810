/** A labelled input. */
import type { ComponentChildren } from "preact";

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly hint?: string;
  readonly isSearch?: boolean;
  readonly required?: boolean;
}

export function TextField({
  label,
  value,
  onValue,
  hint,
  isSearch = false,
  required = false,
}: FieldProps): preact.JSX.Element {
  return (
    <label class="field">
      <span>{label}</span>
      <input
        type={isSearch ? ("search" as never) : "text"}
        value={value}
        placeholder={hint}
        required={required}
        spellcheck={false}
        autocomplete="off"
        onInput={({ currentTarget }) => onValue(currentTarget.value)}
      />
    </label>
  );
}

export function SelectField({
  label,
  value,
  onValue,
  options,
}: {
  readonly label: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly options: readonly (readonly [value: string, text: string])[];
}): preact.JSX.Element {
  return (
    <label class="field">
      <span>{label}</span>
      <select value={value} onChange={({ currentTarget }) => onValue(currentTarget.value)}>
        {options.map(([one, text]) => (
          <option key={one} value={one} selected={one === value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

export function FileField({
  label,
  accept,
  onText,
}: {
  readonly label: string;
  readonly accept: string;
  /** Receives the text of the chosen file. */
  readonly onText: (text: string) => void;
}): preact.JSX.Element {
  return (
    <label class="field">
      <span>{label}</span>
      <input
        type="file"
        accept={accept}
        onChange={({ currentTarget }) => void currentTarget.files?.[0]?.text().then(onText)}
      />
    </label>
  );
}

/** Inputs side by side, with their button. */
export function Form({
  onSubmit,
  button,
  children,
}: {
  readonly onSubmit: () => void;
  readonly button: string;
  readonly children: ComponentChildren;
}): preact.JSX.Element {
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    >
      {children}
      <button type="submit" class="primary">
        {button}
      </button>
    </form>
  );
}
