/**
 * How large a request the scouts of a model take. Every scout takes `bodyBytesMax`; a larger request goes only to those
 * whose offer names as much, and fails at once when there is none. The capability index counts scouts in and out,
 * sessions that end note what to wait for, matching asks.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import type { Offer } from '../../../shared/task.ts'
import type { ModelEntry, OfferClass, Task } from '../model/object-graph.ts'

/** The largest request for each entry of these offers; null when none is above what every scout takes. */
export function sizesOf(offers: readonly Offer[], entries: readonly ModelEntry[]): readonly number[] | null {
  if (offers.every(({ requestBytesMax }) => requestBytesMax <= bodyBytesMax)) return null
  return entries.map((entry, at) => {
    if (at < offers.length) return offers[at]!.requestBytesMax
    // `auto` takes what any of them takes.
    return Math.max(...offers.filter(({ kind }) => kind === entry.kind).map(({ requestBytesMax }) => requestBytesMax))
  })
}

/** A scout of this class comes or goes. */
export function countSizes({ entries, sizes }: OfferClass, by: 1 | -1): void {
  if (sizes === null) return
  for (const [at, entry] of entries.entries()) {
    const bytes = sizes[at]!
    if (bytes <= bodyBytesMax) continue
    entry.largeTakers ??= new Map()
    const takers = (entry.largeTakers.get(bytes) ?? 0) + by
    if (takers > 0) entry.largeTakers.set(bytes, takers)
    else entry.largeTakers.delete(bytes)
    if (entry.largeTakers.size === 0) entry.largeTakers = null
  }
}

/** A session of this class has ended: its scout is probably on the way back. */
export function awaitSizes({ entries, sizes }: OfferClass, nowMs: number, graceMs: number): void {
  if (sizes === null) return
  for (const [at, entry] of entries.entries()) {
    const known = nowMs < entry.awaitedUntilMs ? entry.awaitedBytes : 0
    entry.awaitedBytes = Math.max(known, sizes[at]!)
    entry.awaitedUntilMs = nowMs + graceMs
  }
}

/** Why no scout of its model takes a request of this size; null when one does, or may be on its way back. */
export function sizeFlaw({ entry, model, promptBytes }: Task, nowMs: number): Fault | null {
  if (promptBytes <= bodyBytesMax || entry.offerers === 0) return null
  const bytesMax = Math.max(bodyBytesMax, ...(entry.largeTakers?.keys() ?? []))
  if (promptBytes <= bytesMax || (promptBytes <= entry.awaitedBytes && nowMs < entry.awaitedUntilMs)) return null
  const text = `No connected scout takes a request of ${promptBytes} bytes for "${model}"`
  const most = `the largest may have ${bytesMax}`
  return fault(
    'request_too_large',
    `${text}; ${most}: send less, or have a scout's operator raise SCOUT_REQUEST_MAX_MIB.`,
  )
}
