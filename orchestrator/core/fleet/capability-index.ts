/**
 * Who can do what, so that placing a task never looks at the fleet. A model lists the capabilities that could take a
 * task for it right now, and placement draws from that list; what scouts offer alike is kept once, as a class. Fed by
 * the roster (join, leave, idle, pauses), read by placement and by the core (which queues a freed scout could serve).
 *
 * The lists are kept lazily: a scout that is busy, paused or gone stays where it is listed until a draw comes upon it,
 * because most scouts are idle again before that, and none of it costs as much as the scout has models.
 */
import { offersMax } from '../../../shared/limits/wire.ts'
import { autoModel, type Offer, type TaskKind, taskKinds } from '../../../shared/task.ts'
import type { Variant } from '../model/model-entry.ts'
import type { Capability, ModelEntry, OfferClass, Scout } from '../model/object-graph.ts'
import type { Random } from '../model/random.ts'
import { ReadyQueue } from '../model/ready-queue.ts'
import type { Speed } from '../model/scout.ts'
import { noteFull, noteRoom } from '../stats/missed-work.ts'
import { Newcomers } from '../stats/newcomers.ts'
import { typicalMicros } from '../stats/prices.ts'
import { countSizes, sizesOf } from '../stats/request-sizes.ts'
import { countConvicted, TrustMarks } from '../stats/trust-marks.ts'
import { clients, type ModelBounds, ModelNames } from './model-names.ts'
import { awaitPlace, hasPlace } from './windows.ts'

/** Ways to offer a model that are kept for sharing; a scout with another one keeps a copy of its own. */
const variantsMax = 16
/** A list with fewer withdrawn capabilities is not worth sweeping. */
const withdrawnKept = 16

const endless = Number.POSITIVE_INFINITY
const unbounded = { modelsMax: endless, modelsPerOwnerMax: endless, newModelsPerSecond: 0 }

export class CapabilityIndex {
  readonly entries = new Map<string, ModelEntry>()
  readonly names: ModelNames
  readonly marks = new TrustMarks()
  readonly newcomers = new Newcomers()
  /** How often a model began or ceased to be offered: whoever keeps a list of them looks whether it has changed. */
  changes = 0
  /** The same by kind and model, found without making a key. */
  private readonly byModel: Record<TaskKind, Map<string, ModelEntry>> = { chat: new Map(), embed: new Map() }
  private readonly classes = new Map<string, OfferClass>()

  /** `onForget` is told of a model that goes before its time, to make room for others. */
  constructor(bounds: ModelBounds = unbounded, onForget: (entry: ModelEntry) => void = () => {}) {
    this.names = new ModelNames(bounds, (entry) => {
      onForget(entry)
      this.forget(entry)
    })
  }

  entry(kind: TaskKind, model: string): ModelEntry | undefined {
    return this.byModel[kind].get(model)
  }

  /** The entry of a model that somebody asks for, made when it is not there. */
  ensureEntry(kind: TaskKind, model: string, nowMs: number): ModelEntry {
    const known = this.entry(kind, model)
    if (known !== undefined) return known
    if (model !== autoModel) this.names.admit(clients, nowMs)
    const entry = this.makeEntry(kind, model, nowMs)
    if (model === autoModel) return entry
    this.names.add(entry, clients, nowMs)
    this.names.rest(entry)
    return entry
  }

  /** The entry of a model that a scout offers; undefined when its operator, or all of them, have too many. */
  private entryToOffer(kind: TaskKind, model: string, nowMs: number, owner: string): ModelEntry | undefined {
    const known = this.entry(kind, model)
    if (known !== undefined && known.owner !== clients) return known
    if (!this.names.admit(owner, nowMs)) return undefined
    if (known !== undefined) this.names.remove(known)
    const entry = known ?? this.makeEntry(kind, model, nowMs)
    this.names.add(entry, owner, nowMs)
    return entry
  }

  private makeEntry(kind: TaskKind, model: string, nowMs: number): ModelEntry {
    const key = `${kind}\t${model}`
    const entry: ModelEntry = {
      timed: 'model',
      key,
      kind,
      model,
      owner: clients,
      variants: [],
      offerers: 0,
      operators: new Map(),
      scouts: 0,
      ready: [],
      convicted: 0,
      withdrawnReady: 0,
      sought: 0,
      known: true,
      queued: 0,
      waiting: new ReadyQueue(),
      returned: new Set(),
      firstContentP95Ms: 0,
      firstContentSamples: 0,
      largeTakers: null,
      awaitedBytes: 0,
      awaitedUntilMs: 0,
      firstSeenMs: nowMs,
      absence: null,
      resumes: null,
      dueMs: 0,
      timerSlot: -1,
    }
    this.entries.set(key, entry)
    this.byModel[kind].set(model, entry)
    return entry
  }

  /** Nobody offers it and nobody waits for it. */
  forget(entry: ModelEntry): void {
    if (entry.model !== autoModel) this.names.remove(entry)
    entry.known = false
    this.entries.delete(entry.key)
    this.byModel[entry.kind].delete(entry.model)
  }

  // ------------------------------------------------------------ what is offered

  /**
   * The class of these offers, with one member more; `leave` takes it back. Models for which there is no room are left
   * out.
   */
  enter(offers: readonly Offer[], nowMs: number, owner = clients): OfferClass {
    const distinct = distinctOffers(offers)
    // First all that are known, so that none of them makes room for another one of this list.
    for (const { kind, model } of distinct) {
      const known = this.entry(kind, model)
      if (known !== undefined) this.names.need(known)
    }
    const entries: ModelEntry[] = []
    const shared: Variant[] = []
    for (const offer of distinct) {
      const entry = this.entryToOffer(offer.kind, offer.model, nowMs, owner)
      if (entry === undefined) continue
      entries.push(entry)
      shared.push(variantOf(entry, offer))
    }
    // What was left out and only clients had named is theirs again.
    if (entries.length < distinct.length) this.restAgain(distinct, entries)
    const signature = shared.map(({ text }) => text).join('\n')
    const known = this.classes.get(signature)
    if (known !== undefined) {
      known.members++
      return known
    }
    for (const [at, variant] of shared.entries()) keepVariant(entries[at]!, variant)
    const taken = shared.map(({ offer }) => offer)
    for (const kind of taskKinds) {
      if (taken.some((offer) => offer.kind === kind)) entries.push(this.ensureEntry(kind, autoModel, nowMs))
    }
    const klass = { signature, offers: taken, variants: shared, entries, sizes: sizesOf(taken, entries), members: 1 }
    this.classes.set(signature, klass)
    return klass
  }

  private restAgain(distinct: readonly Offer[], entries: readonly ModelEntry[]): void {
    const taken = new Set(entries)
    for (const { kind, model } of distinct) {
      const entry = this.entry(kind, model)
      if (entry !== undefined && !taken.has(entry)) this.restIfUnneeded(entry)
    }
  }

  /** To be called when fewer offer it or wait for it. */
  restIfUnneeded(entry: ModelEntry): void {
    if (entry.offerers === 0 && entry.queued === 0) this.names.rest(entry)
  }

  leave(klass: OfferClass): void {
    klass.members--
    if (klass.members > 0) return
    this.classes.delete(klass.signature)
    for (const [at, variant] of klass.variants.entries()) dropVariant(klass.entries[at]!, variant)
  }

  /** Every class there is, for listings. */
  offerClasses(): Iterable<OfferClass> {
    return this.classes.values()
  }

  /** Counts a scout in with all that its class offers, paused or not, as fast as it is known to be. */
  advertise(scout: Scout): void {
    const { klass, record } = scout
    const isMarked = this.marks.has(record.scout)
    scout.capabilities = klass.entries.map((entry, at) => {
      const offer = klass.offers[at] ?? klass.offers.find(({ kind }) => kind === entry.kind)!
      const speed = record.speeds?.get(entry.key)
      return {
        // What a comparison looks at stands together.
        scout,
        withdrawn: false,
        mark: isMarked ? this.marks.of(record.scout, entry.model) : null,
        samples: speed?.samples ?? 0,
        firstContentMs: speed?.firstContentMs ?? 0,
        tokensPerSecond: speed?.tokensPerSecond ?? 0,
        sampledMs: speed?.sampledMs ?? 0,
        typicalMicros: typicalMicros(offer),
        entry,
        provider: offer.provider,
        offer,
        fullFrom: Number.POSITIVE_INFINITY,
        missedFrom: 0,
      }
    })
    scout.unlisted = [...scout.capabilities]
    this.count(scout, 1)
  }

  /**
   * The scout goes, or offers something else from here on. Lists let its capabilities go when they come upon them, or
   * when they hold too many of their like.
   */
  withdraw(scout: Scout): void {
    scout.idle = false
    this.count(scout, -1)
    const unlisted = new Set(scout.unlisted)
    for (const capability of scout.capabilities) {
      const { entry, samples, firstContentMs, tokensPerSecond, sampledMs } = capability
      if (samples > 0) keepSpeed(scout, entry.key, { samples, firstContentMs, tokensPerSecond, sampledMs })
      capability.withdrawn = true
      noteRoom(capability)
      if (!unlisted.has(capability)) entry.withdrawnReady++
      // A list of nobody's goes at once, whatever is left in it.
      const kept = entry.offerers === 0 ? 0 : Math.max(withdrawnKept, entry.ready.length >> 1)
      if (entry.withdrawnReady > kept) sweep(entry)
    }
  }

  private count(scout: Scout, by: 1 | -1): void {
    const { operator } = scout.record
    for (const entry of scout.klass.entries) {
      entry.offerers += by
      const ofOperator = (entry.operators.get(operator) ?? 0) + by
      if (ofOperator > 0) entry.operators.set(operator, ofOperator)
      else entry.operators.delete(operator)
      if (isAble(scout, entry)) entry.scouts += by
      if (entry.offerers === (by === 1 ? 1 : 0)) this.changes++
      if (by === -1) this.restIfUnneeded(entry)
      else if (entry.offerers === 1) this.names.need(entry)
    }
    countSizes(scout.klass, by)
    countConvicted(scout, by)
  }

  /** Runs a change of the scout's pauses and counts it where it can serve less or more than before. */
  repause(scout: Scout, change: () => void): void {
    for (const entry of scout.klass.entries) if (isAble(scout, entry)) entry.scouts--
    change()
    for (const entry of scout.klass.entries) if (isAble(scout, entry)) entry.scouts++
    // What it misses from here on is not for lack of room.
    for (const capability of scout.unlisted) if (!isAble(scout, capability.entry)) noteRoom(capability)
    if (scout.idle) this.list(scout)
  }

  // ------------------------------------------------------------ who is ready

  /** Notes whether a scout can take a task now. */
  setIdle(scout: Scout, idle: boolean): void {
    // With a window, a place may be free that was not before.
    if (scout.idle === idle && scout.windows === null) return
    scout.idle = idle
    if (idle) this.list(scout)
  }

  /** More of what it offers has a place than before. */
  relist(scout: Scout): void {
    if (scout.idle) this.list(scout)
  }

  private list(scout: Scout): void {
    if (scout.windows !== null) return listThoseWithPlace(scout, scout.windows)
    for (const capability of scout.unlisted) {
      noteRoom(capability)
      capability.entry.ready.push(capability)
    }
    scout.unlisted.length = 0
  }

  /** The model as a random idle scout would serve it; undefined when there is none. */
  sampleIdle(entry: ModelEntry, random: Random): Capability | undefined {
    const { ready } = entry
    while (ready.length > 0) {
      const at = random.below(ready.length)
      const capability = ready[at]!
      const { scout } = capability
      if (scout.idle && !capability.withdrawn && canServe(scout, entry)) return capability
      const last = ready.pop()!
      if (at < ready.length) ready[at] = last
      if (capability.withdrawn) entry.withdrawnReady--
      else {
        scout.unlisted.push(capability)
        awaitPlace(scout)
        if (scout.state === 'ready' && isAble(scout, entry)) noteFull(capability)
      }
    }
    return undefined
  }
}

function sweep(entry: ModelEntry): void {
  entry.ready = entry.ready.filter(({ withdrawn }) => !withdrawn)
  entry.withdrawnReady = 0
}

function listThoseWithPlace(scout: Scout, windows: NonNullable<Scout['windows']>): void {
  if (scout.unlisted.length === 0) return
  scout.unlisted = scout.unlisted.filter((capability) => {
    const { entry } = capability
    if (!hasPlace(windows, entry.key)) {
      awaitPlace(scout)
      return true
    }
    noteRoom(capability)
    entry.ready.push(capability)
    return false
  })
}

/** Whether pauses and windows leave this scout anything to serve one more task of the model with. */
export function canServe(scout: Scout, entry: ModelEntry): boolean {
  const { pauses, windows, klass } = scout
  if (windows === null) return isAble(scout, entry)
  const { kind, model, key } = entry
  if (model !== autoModel) return !pauses?.has(model) && hasPlace(windows, key)
  return klass.entries.some(
    (one) => one.kind === kind && one.model !== autoModel && !pauses?.has(one.model) && hasPlace(windows, one.key),
  )
}

/** Whether pauses leave this scout anything to serve the model with. */
export function isAble({ pauses, klass }: Scout, { kind, model }: ModelEntry): boolean {
  if (pauses === null) return true
  if (model !== autoModel) return !pauses.has(model)
  return klass.offers.some((offer) => offer.kind === kind && !pauses.has(offer.model))
}

/** Kept in the record for its next session; of too many the one that was written longest ago goes. */
function keepSpeed({ record }: Scout, key: string, speed: Speed): void {
  record.speeds ??= new Map()
  const { speeds } = record
  speeds.delete(key)
  if (speeds.size >= offersMax) speeds.delete(speeds.keys().next().value!)
  speeds.set(key, speed)
}

/** The same offer, kept once for many scouts: as they arrive, every one brings its own copy of every word. */
function variantOf(entry: ModelEntry, offer: Offer): Variant {
  for (const variant of entry.variants) if (isSame(variant.offer, offer)) return variant
  return { offer, text: Object.values(offer).join('\t'), classes: 0 }
}

/** A new class has it. */
function keepVariant({ variants }: ModelEntry, variant: Variant): void {
  if (variant.classes === 0 && variants.length >= variantsMax) return
  if (variant.classes === 0) variants.push(variant)
  variant.classes++
}

/** A class that had it is gone, and with the last one it goes as well. */
function dropVariant(entry: ModelEntry, variant: Variant): void {
  if (variant.classes === 0) return
  variant.classes--
  if (variant.classes === 0) entry.variants = entry.variants.filter((kept) => kept !== variant)
}

/** Of two offers of one model; field by field, because it is asked for every offer of every scout that joins. */
function isSame(one: Offer, other: Offer): boolean {
  return (
    one.provider === other.provider &&
    one.contextTokens === other.contextTokens &&
    one.abilities === other.abilities &&
    one.promptPrice === other.promptPrice &&
    one.answerPrice === other.answerPrice &&
    one.about === other.about &&
    one.requestBytesMax === other.requestBytesMax
  )
}

/** One offer per kind and model, the first one named. `auto` is for clients to ask for and cannot be offered. */
function distinctOffers(offers: readonly Offer[]): Offer[] {
  const seen = new Set<string>()
  const distinct: Offer[] = []
  for (const offer of offers) {
    const key = `${offer.kind}\t${offer.model}`
    if (offer.model === autoModel || seen.has(key)) continue
    seen.add(key)
    distinct.push(offer)
  }
  return distinct
}
