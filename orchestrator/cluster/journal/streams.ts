/**
 * The streams that the hubs of a network share: what each is called, which subjects it has, and how much it keeps for
 * how long. Pure; `nats-log.ts` makes them.
 */
import { journalAgeMs, journalStreamBytesMax } from '../../../shared/limits/cluster/journal.ts'
import { keyStreamBytesMax, useAgeMs, useStreamBytesMax } from '../../../shared/limits/cluster/keys.ts'
import { ledgerAgeMs, ledgerStreamBytesMax } from '../../../shared/limits/cluster/ledger.ts'

export interface StreamForm {
  name: string
  subjects: string[]
  bytesMax: number
  /** Older messages go; 0 for none. */
  ageMs: number
  /** Of each subject it keeps the last message alone. */
  isLastOnly?: true
}

/** Durable intents, and marks of those that are open. `prefix`: in front of every subject of the network. */
export function intentStream(prefix: string): StreamForm {
  const subjects = [`${prefix}.intent.*`, `${prefix}.open.*.*`]
  return { name: `CHASM_INTENTS_${network(prefix)}`, subjects, bytesMax: journalStreamBytesMax, ageMs: journalAgeMs }
}

/** Keys and accounts. What is old is needed: it says what was revoked. */
export function keyStream(prefix: string): StreamForm {
  return {
    name: `CHASM_KEYS_${network(prefix)}`,
    subjects: [`${prefix}.keys.*.*`],
    bytesMax: keyStreamBytesMax,
    ageMs: 0,
  }
}

/** What was used of budgets, the last word of each hub on each key or account. */
export function useStream(prefix: string): StreamForm {
  const form = { name: `CHASM_USE_${network(prefix)}`, subjects: [`${prefix}.use.*.*`] }
  return { ...form, bytesMax: useStreamBytesMax, ageMs: useAgeMs, isLastOnly: true }
}

/** What hubs tell of their ledgers. */
export function ledgerStream(prefix: string): StreamForm {
  const form = { name: `CHASM_LEDGER_${network(prefix)}`, subjects: [`${prefix}.ledger.*`] }
  return { ...form, bytesMax: ledgerStreamBytesMax, ageMs: ledgerAgeMs }
}

function network(prefix: string): string {
  return prefix.replace(/^.*\./, '')
}
