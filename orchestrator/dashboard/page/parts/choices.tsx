/**
 * A few choices of which one holds: a row of buttons, as wide as their words.
 */

interface ChoicesProps<T extends string> {
  label: string
  options: readonly (readonly [value: T, text: string])[]
  value: T
  onChoose: (value: T) => void
}

export function Choices<T extends string>({ label, options, value, onChoose }: ChoicesProps<T>) {
  return (
    <fieldset class="choices" aria-label={label}>
      {options.map(([option, text]) => (
        <button type="button" key={option} aria-pressed={option === value} onClick={() => onChoose(option)}>
          {text}
        </button>
      ))}
    </fieldset>
  )
}
