/**
 * Who can do what, so that placing a task never looks at the fleet. Scouts that can do exactly the same form a class; a
 * model knows the classes that have an idle scout right now. Fed by the roster (join, leave, idle, busy), read by
 * placement (a random idle scout of a model) and by the core (which waiting queues a freed scout could serve).
 */
import { autoModel, type Offer, type TaskKind, taskKinds } from '../../shared/task.ts'
import type { ModelEntry, OfferClass, Scout } from './entities.ts'
import type { Random } from './random.ts'
import { ReadyQueue } from './ready-queue.ts'
import { SampledSet } from './sampled-set.ts'

export class CapabilityIndex {
  readonly entries = new Map<string, ModelEntry>()
  /** The same by kind and model, found without making a key. */
  private readonly byModel: Record<TaskKind, Map<string, ModelEntry>> = { chat: new Map(), embed: new Map() }
  private readonly classes = new Map<string, OfferClass>()

  entry(kind: TaskKind, model: string): ModelEntry | undefined {
    return this.byModel[kind].get(model)
  }

  /** The entry of a model, made when it is not there. */
  ensureEntry(kind: TaskKind, model: string, nowMs: number): ModelEntry {
    let entry = this.entry(kind, model)
    if (entry === undefined) {
      const key = entryKey(kind, model)
      entry = {
        timed: 'model',
        key,
        kind,
        model,
        offerers: 0,
        scouts: 0,
        readyClasses: new SampledSet(),
        waiting: new ReadyQueue(),
        picky: new Set(),
        firstContentP95Ms: 0,
        firstContentSamples: 0,
        firstSeenMs: nowMs,
        dueMs: 0,
        slot: -1,
        before: null,
        after: null,
      }
      this.entries.set(key, entry)
      this.byModel[kind].set(model, entry)
    }
    return entry
  }

  /** Nobody offers it and nobody waits for it. */
  forget({ key, kind, model }: ModelEntry): void {
    this.entries.delete(key)
    this.byModel[kind].delete(model)
  }

  /** Counts a connected scout for every model it offers, paused or not; give the entries back to `withdraw`. */
  advertise(offers: readonly Offer[], nowMs: number): ModelEntry[] {
    const entries = distinctOffers(offers).map((offer) => this.ensureEntry(offer.kind, offer.model, nowMs))
    for (const entry of entries) entry.offerers++
    return entries
  }

  withdraw(advertised: readonly ModelEntry[]): void {
    for (const entry of advertised) entry.offerers--
  }

  /** Counts one more scout that is able to do all this now; its class comes back. */
  enter(offers: readonly Offer[], nowMs: number): OfferClass {
    const distinct = distinctOffers(offers)
    const signature = distinct.map((offer) => Object.values(offer).join('\t')).join('\n')
    let klass = this.classes.get(signature)
    if (klass === undefined) {
      const entries = distinct.map((offer) => this.ensureEntry(offer.kind, offer.model, nowMs))
      for (const kind of taskKinds) {
        if (distinct.some((offer) => offer.kind === kind)) entries.push(this.ensureEntry(kind, autoModel, nowMs))
      }
      klass = { signature, offers: distinct, entries, members: 0, idle: new SampledSet(), unlisted: [...entries] }
      this.classes.set(signature, klass)
    }
    klass.members++
    for (const entry of klass.entries) entry.scouts++
    return klass
  }

  /** One scout less in this class; it must not be idle in it any more. */
  leave(klass: OfferClass): void {
    klass.members--
    for (const entry of klass.entries) entry.scouts--
    if (klass.members > 0) return
    this.classes.delete(klass.signature)
    for (const entry of klass.entries) entry.readyClasses.delete(klass)
  }

  /**
   * Notes whether a scout can take a task now. A class that has an idle scout is listed at all of its models; one that
   * has none any more stays listed until a model comes upon it, because most are idle again before that.
   */
  setIdle(klass: OfferClass, scout: Scout, idle: boolean): void {
    if (!idle) {
      klass.idle.delete(scout)
      return
    }
    klass.idle.add(scout)
    for (const entry of klass.unlisted) entry.readyClasses.add(klass)
    klass.unlisted.length = 0
  }

  /** Every class there is, for listings. */
  offerClasses(): Iterable<OfferClass> {
    return this.classes.values()
  }

  /** A random idle scout that offers this; undefined when there is none. */
  sampleIdle(entry: ModelEntry, random: Random): Scout | undefined {
    while (entry.readyClasses.size > 0) {
      const klass = entry.readyClasses.sample(random)
      if (klass.idle.size > 0) return klass.idle.sample(random)
      entry.readyClasses.delete(klass)
      klass.unlisted.push(entry)
    }
    return undefined
  }
}

function entryKey(kind: TaskKind, model: string): string {
  return `${kind}\t${model}`
}

/** The first offer of each kind and model; `auto` is the hub's word and cannot be offered. */
function distinctOffers(offers: readonly Offer[]): Offer[] {
  const seen = new Set<string>([...taskKinds].map((kind) => entryKey(kind, autoModel)))
  return offers.filter((offer) => {
    const key = entryKey(offer.kind, offer.model)
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}
