/**
 * What administrators look at that is somebody else's: each such look has its row in the audit log before anything is
 * shown, once an hour for the same administrator and subject, so that a page that refreshes itself does not bury the
 * rest. Bounded: who looked longest ago is forgotten, and noted anew the next time.
 */
import { lookNoteMs, looksRememberedMax } from '../../shared/limits/keys.ts'
import type { System } from '../../shared/system.ts'
import type { Actor, Keyring } from '../engine/keyring.ts'
import type { BatchStore } from '../engine/ports/store.ts'

export class Looks {
  /** When a look was noted, by who looked at what; the oldest first. */
  private readonly notedMs = new Map<string, number>()

  constructor(
    private readonly store: BatchStore,
    private readonly keyring: Keyring,
    private readonly system: System,
  ) {}

  /** `tenant`: whose it is; null for a list of everybody's. Throws when the store does: then it must not be shown. */
  note(subject: string, tenant: string | null, by: Actor): void {
    const name = JSON.stringify([by.id, by.address, subject])
    const nowMs = this.system.nowMs()
    const known = this.notedMs.get(name)
    if (known !== undefined && nowMs - known < lookNoteMs) return
    this.store.commit([this.keyring.note(by, 'content.read', subject, null, { tenant })])
    this.notedMs.delete(name)
    this.notedMs.set(name, nowMs)
    if (this.notedMs.size > looksRememberedMax) this.notedMs.delete(this.notedMs.keys().next().value!)
  }
}
