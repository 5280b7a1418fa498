/**
 * The address of a page is the fragment, so that no server needs to know it: `#usage?model=x`. The first part names the
 * page, further parts its subject, and the query its filters. What a sign-in link carries in the fragment is taken out
 * before anything else reads it.
 */
import { computed, signal } from '@preact/signals'

const fragment = signal(location.hash.slice(1))
addEventListener('hashchange', () => {
  fragment.value = location.hash.slice(1)
})

export const route = computed(() => {
  const [path = '', query = ''] = fragment.value.split('?', 2)
  const [page = '', ...subject] = path.split('/').map(decoded)
  return { page, subject, query: new URLSearchParams(query) }
})

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

export function linkTo(page: string, query?: Record<string, string>): string {
  const filled = Object.entries(query ?? {}).filter(([, value]) => value !== '')
  return `#${page}${filled.length > 0 ? `?${new URLSearchParams(filled)}` : ''}`
}

/** Changes filters in the address without a new step in the history. */
export function setQuery(changes: Record<string, string>): void {
  const { page, subject, query } = route.value
  const next = { ...Object.fromEntries(query), ...changes }
  history.replaceState(null, '', linkTo([page, ...subject.map(encodeURIComponent)].join('/'), next))
  fragment.value = location.hash.slice(1)
}

export function go(page: string): void {
  location.hash = page
}

/** The secret of a sign-in link, which leaves the address bar and the history at once; null when there is none. */
export function takeLoginSecret(): string | null {
  const found = /^login=([\w-]{20,200})$/.exec(fragment.value)
  if (found === null) return null
  history.replaceState(null, '', '#overview')
  fragment.value = 'overview'
  return found[1]!
}
