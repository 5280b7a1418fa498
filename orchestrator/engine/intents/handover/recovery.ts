/**
 * Takes up intents that are in the store and not in memory: at the start of a hub what its last process left open, and
 * in a network what another hub left. Not what a process died of twice, and not what cannot be read: those are set
 * aside, which ends them. After a death with something in hand they are taken up one by one, so that the next one has a
 * name.
 */
import type { Fault } from '../../../../shared/faults.ts'
import { intentDeathsMax, owedDeathsMax } from '../../../../shared/limits/intents.ts'
import type { System } from '../../../../shared/system.ts'
import type { Accept, Event } from '../../../core/events.ts'
import { chargedKeyOf } from '../../charges/plan-tabs.ts'
import type { Journal } from '../../durability/journal.ts'
import { diedTwice, setAsideWrites, takingUpAll } from '../../durability/set-aside.ts'
import type { KeyStore } from '../../ports/account-store.ts'
import type { ChargedKey } from '../../ports/charged-key.ts'
import type { SharedKeyStore } from '../../ports/network/shared-keys.ts'
import type { IntentDeaths, IntentRow, IntentStore, OpenIntent } from '../../ports/store.ts'
import { readEvent } from '../intent-rows.ts'
import type { LiveIntents } from '../live-intents.ts'

interface RecoveryParts {
  system: System
  store: Pick<
    IntentStore,
    'openIntent' | 'openIntents' | 'deaths' | 'inHand' | 'noteInHand' | 'owedDeaths' | 'noteDeaths'
  > &
    Pick<KeyStore, 'keys' | 'keyById' | 'account'> &
    Pick<SharedKeyStore, 'shared'>
  journal: Journal
  dispatch: (event: Event) => void
  /** Steps through what was dispatched, now. */
  flush: () => void
}

/** What is read of the store once for all that is taken up together. */
interface Known {
  weightOf: (tenant: string) => number
  deaths: ReadonlyMap<string, number>
  keyOf: (intent: IntentRow) => ChargedKey
}

export class IntentRecovery {
  /** Intents that were not taken up, and why; the newest ones. */
  readonly setAside: { intent: string; reason: string }[] = []
  /** The last process died of something. */
  private isWary = false
  /** What it and those before it died of, while that could not be written down. */
  private unblamed: ReadonlySet<string> = new Set()

  constructor(
    private readonly parts: RecoveryParts,
    private readonly live: Pick<LiveIntents, 'remember'>,
  ) {}

  /** Notes what the last process died of, in the store. */
  noteDeath(): void {
    const { store, journal } = this.parts
    const diedOf = store.inHand()
    this.isWary = diedOf !== null
    const owed = new Map(store.owedDeaths().map(({ intent, deaths }) => [intent, deaths]))
    if (diedOf !== null && diedOf !== takingUpAll) {
      const deaths = 1 + Math.max(owed.get(diedOf) ?? 0, store.deaths().get(diedOf) ?? 0)
      owed.delete(diedOf)
      owed.set(diedOf, deaths)
    }
    if (owed.size === 0) return
    const all = [...owed].slice(-owedDeathsMax).map(([intent, deaths]): IntentDeaths => ({ intent, deaths }))
    // The disk may refuse it, and what comes into hand next takes the place of what this is known by.
    store.noteDeaths(all, null)
    this.unblamed = new Set(owed.keys())
    const writes = all.map((one) => ({ write: 'blame' as const, ...one }))
    journal.addHere(writes, () => {
      this.unblamed = new Set()
      store.noteDeaths([], store.inHand())
    })
    journal.flush()
  }

  /** Everything that is open in the store. */
  recover(): void {
    this.noteDeath()
    this.takeUp(this.parts.store.openIntents())
  }

  takeUp(intents: Iterable<OpenIntent>): void {
    const { store, journal, flush } = this.parts
    const known = { weightOf: rememberedWeights(store), deaths: store.deaths(), keyOf: rememberedKeys(store) }
    store.noteInHand(takingUpAll)
    for (const open of intents) {
      const { id } = open.intent
      // Taken up before that is written, it might end one process after the other without being counted.
      if (this.unblamed.has(id)) journal.addHere([], () => this.takeUpSuspect(id))
      else if (!this.isWary && !known.deaths.has(id)) this.takeUpOne(open, known)
      else {
        store.noteInHand(id)
        this.takeUpOne(open, known)
        flush()
        store.noteInHand(takingUpAll)
      }
    }
    flush()
    store.noteInHand(null)
  }

  private takeUpOne(open: OpenIntent, { weightOf, deaths, keyOf }: Known): void {
    const { id, tenant, deadlineMs } = open.intent
    const wait = Math.max(1, deadlineMs - this.parts.system.wallMs())
    const isPoison = (deaths.get(id) ?? 0) >= intentDeathsMax
    const event = isPoison ? diedTwice : readEvent(open, weightOf(tenant), wait)
    if ('code' in event) this.putAside(open, event)
    else this.begin(open, event, keyOf(open.intent))
  }

  /** What the last process died of is written down by now. */
  private takeUpSuspect(id: string): void {
    const open = this.parts.store.openIntent(id)
    if (open?.intent.state === 'running') this.takeUp([open])
  }

  private begin(open: OpenIntent, event: Accept, key: ChargedKey): void {
    this.live.remember(open, key)
    this.parts.dispatch(event)
  }

  private putAside(open: OpenIntent, cause: Fault): void {
    const { id } = open.intent
    this.setAside.push({ intent: id, reason: cause.message })
    this.parts.journal.add(setAsideWrites(open, cause, this.parts.system.wallMs()), () => {}, id)
  }
}

/** Whose keys pay for stored intents, each read once: a start takes up many of one key. */
function rememberedKeys(store: Pick<KeyStore & SharedKeyStore, 'keyById' | 'account' | 'shared'>) {
  const known = new Map<string, ChargedKey>()
  return (intent: IntentRow): ChargedKey => {
    const id = intent.key ?? intent.tenant
    const key = known.get(id) ?? chargedKeyOf(store, intent)
    known.set(id, key)
    return key
  }
}

/** The weight of a tenant's newest key. */
function rememberedWeights(store: Pick<KeyStore, 'keys'>) {
  const known = new Map<string, number>()
  return (tenant: string): number => {
    const weight = known.get(tenant) ?? store.keys({ tenant, limit: 1 })[0]?.weight ?? 1
    known.set(tenant, weight)
    return weight
  }
}
