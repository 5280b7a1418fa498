/**
 * Light or dark: as the system says, or as the switch says, which this browser remembers. The document's root carries
 * the outcome, which the style tokens read, and charts follow the signal.
 */
import { signal } from '@preact/signals'

type Choice = 'system' | 'light' | 'dark'

const name = 'chasm-theme'
const system = matchMedia('(prefers-color-scheme: dark)')

export const choice = signal<Choice>(remembered())
export const theme = signal<'light' | 'dark'>('light')

function remembered(): Choice {
  try {
    const text = localStorage.getItem(name)
    return text === 'light' || text === 'dark' ? text : 'system'
  } catch {
    // Storage is switched off: the system's choice will do.
    return 'system'
  }
}

export function applyTheme(): void {
  const isDark = choice.value === 'dark' || (choice.value === 'system' && system.matches)
  theme.value = isDark ? 'dark' : 'light'
  document.documentElement.dataset.theme = theme.value
}

/** To the next of the three. */
export function turnTheme(): void {
  const next: Record<Choice, Choice> = { system: 'light', light: 'dark', dark: 'system' }
  choice.value = next[choice.value]
  try {
    localStorage.setItem(name, choice.value)
  } catch {
    // It holds for this tab, then.
  }
  applyTheme()
}

system.addEventListener('change', applyTheme)
