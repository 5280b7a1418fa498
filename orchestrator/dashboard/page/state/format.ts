/**
 * Numbers, times and money as people read them: the same everywhere on the page, in the browser's language where that
 * has rules, and with thin units. Pure.
 */

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 })
/** English alone writes M where other languages write words. */
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1, minimumFractionDigits: 1 })
/** Below this a number is written out, so that those below each other align. */
const shortFrom = 1_000_000
const dates = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' })
const utcDays = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeZone: 'UTC' })
const utcMonths = new Intl.DateTimeFormat(undefined, { month: 'long', year: 'numeric', timeZone: 'UTC' })
const moments = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

export function count(value: number): string {
  return Math.abs(value) < shortFrom ? whole.format(value) : short.format(value)
}

/** A sum that somebody is owed: never short. */
export function exact(value: number): string {
  return whole.format(value)
}

/** A rate, with as many digits as say something. */
export function rate(value: number): string {
  return value >= 100 ? whole.format(value) : String(Number(value.toFixed(value >= 10 ? 1 : 2)))
}

export function percent(share: number): string {
  return `${share > 0 && share < 0.01 ? '< 1' : Math.round(share * 100)} %`
}

export function milliseconds(ms: number): string {
  // What is rounded up to the next unit is written in it.
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} s`
  const seconds = Math.round(ms / 1_000)
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

const cents = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
const smallestShown = 0.0001
/** From here on they say nothing that a sum is read for. */
const centsUpTo = 1_000

/** Millionths of a dollar. */
export function dollars(micro: number): string {
  const value = micro / 1_000_000
  if (value === 0) return '$0'
  if (value < smallestShown) return `< $${smallestShown}`
  if (value < 0.01) return `$${value.toFixed(4)}`
  return value < centsUpTo ? `$${cents.format(value)}` : `$${whole.format(value)}`
}

/** The same with as many digits as the others of a column need, the largest of which is given. */
export function dollarsBeside(largestMicro: number): (micro: number) => string {
  if (largestMicro >= 1_000_000) return (micro) => `$${cents.format(micro / 1_000_000)}`
  return (micro) => `$${(micro / 1_000_000).toFixed(4)}`
}

export function day(seconds: number): string {
  return dates.format(seconds * 1_000)
}

/** Of UTC, which has no longer and shorter ones. */
export const dayMs = 86_400_000

/** The day of UTC: `2026-11-29`. */
export function dayText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

/** A day of UTC, `2026-11-29`: the same day everywhere. */
export function shownDay(text: string): string {
  return utcDays.format(Date.parse(text))
}

/** A month of UTC, `2026-11`. */
export function shownMonth(text: string): string {
  return utcMonths.format(Date.parse(`${text}-01T00:00:00Z`))
}

export function moment(seconds: number): string {
  return moments.format(seconds * 1_000)
}

/** How long ago, to the unit that matters. */
export function ago(seconds: number, nowMs = Date.now()): string {
  const passed = Math.max(0, nowMs / 1_000 - seconds)
  if (passed < 10) return 'just now'
  if (passed < 60) return `${Math.floor(passed)} s ago`
  if (passed < 3_600) return `${Math.floor(passed / 60)} min ago`
  if (passed < 86_400) return `${Math.floor(passed / 3_600)} h ago`
  return `${Math.floor(passed / 86_400)} d ago`
}

export function plural(number: number, word: string): string {
  return `${count(number)} ${word}${number === 1 ? '' : 's'}`
}

/** A scout's id without its operator's before it. */
export function shortScout(id: string): string {
  return id.slice(id.indexOf('/') + 1)
}

/** `0x1234…abcd`. */
export function shortAddress(address: string): string {
  return address.length > 12 ? `${address.slice(0, 6)}…${address.slice(-4)}` : address
}
