/**
 * What a list is filtered by, as its address says; each a button that takes it away.
 */
import { setQuery } from '../state/router.ts'
import { Icon } from './icon.tsx'

interface Filter {
  /** In the address. */
  name: string
  /** What it lets through; null where nothing is filtered by it. */
  text: string | null
}

export function Filters({ of }: { of: Filter[] }) {
  const held = of.filter(({ text }) => text)
  if (held.length === 0) return null
  return (
    <div class="row">
      {held.map(({ name, text }) => (
        <button
          type="button"
          class="button small"
          key={name}
          onClick={() => setQuery({ [name]: '', before: '', after: '' })}
        >
          <span class="name">
            {name}: {text}
          </span>
          <Icon name="close" />
          <span class="hidden-text">Remove the filter</span>
        </button>
      ))}
    </div>
  )
}
