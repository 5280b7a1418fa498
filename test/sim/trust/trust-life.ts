/**
 * What trust is like in the life of a seed: in some lives nobody looks at answers, in the others the production desk
 * does, over scouts some of which cheat. Such a life is ten minutes long and begins with what weeks have left on the
 * disk; the wall clock of trust runs fast in most, so that days pass, newcomers grow old and convictions end.
 */
import type { TrustWrite } from '../../../orchestrator/engine/ports/trust/trust-store.ts'
import { isProven, newRecord, type TrustRecord } from '../../../orchestrator/trust/standing/record.ts'
import { confirmingDoubt, freshChecksMax } from '../../../orchestrator/trust/standing/weights.ts'
import type { System } from '../../../shared/system.ts'
import { type Dice, type World, wallStartMs } from '../world.ts'
import { cheats, type Voice } from './voices.ts'

export interface PlayedScout {
  name: string
  /** Who runs it; one owner may run several. */
  owner: string
  voice: Voice
}

export interface TrustLife {
  isEnforced: boolean
  /** Of trust's wall clock. */
  haste: number
  auditsPerDayMin: number
  /** Micro-dollars that audits may cost in a day; null for no bound. */
  moneyPerDay: number | null
  /** They follow the protocol, whatever they say. */
  scouts: PlayedScout[]
  /** A model that only the cheats offer. */
  cheatsModel: string
  /** On the disk when the life begins. */
  remembered: TrustWrite[]
  /** Decides who appeals, and when. */
  appeals: Dice
}

export function isCheat(voice: Voice): boolean {
  return voice !== 'honest' && voice !== 'noisy'
}

/** Milliseconds between an answer and its audit. */
export const auditDelay = { minMs: 1_000, maxMs: 90_000 }
const dayMs = 86_400_000
const wallMs = wallStartMs
const trustShare = 0.25

/** null for a life without trust. */
export function trustLifeOf(world: World, models: readonly string[]): TrustLife | null {
  const dice = world.dice('trust')
  if (!dice.chance(trustShare)) return null
  const cheatsModel = 'shady'
  const scouts = [...honestScouts(dice), ...cheatsOf(dice)]
  const haste = dice.pick([1, 150, 400])
  const remembered = models.map((model) => pairsOf(dice, model))
  const appeals = world.dice('appeals')
  for (const scout of scouts) {
    const offered = isCheat(scout.voice) ? [...models, cheatsModel] : models
    for (const model of offered)
      remembered.push(rowOf(appealing(appeals, scout, past(dice, scout, model, haste), haste)))
  }
  if (dice.chance(0.2)) remembered.push(...suspects(dice, models))
  const auditsPerDayMin = dice.pick([30, 300, 2_000])
  // A request for prose costs about 25.
  const moneyPerDay = world.dice('money').pick([null, null, 400, 4_000])
  return { isEnforced: dice.chance(0.7), haste, auditsPerDayMin, moneyPerDay, scouts, cheatsModel, remembered, appeals }
}

function honestScouts(dice: Dice): PlayedScout[] {
  return Array.from({ length: dice.between(4, 6) }, (_, at) => {
    return { name: `h${at}`, owner: `honest-h${at}`, voice: dice.pick(['honest', 'honest', 'noisy'] as const) }
  })
}

/** A crowd of one owner, a ring of two, or each by itself; always fewer than the honest ones. */
function cheatsOf(dice: Dice): PlayedScout[] {
  const voice = dice.pick(cheats)
  const form = voice === 'ring' ? dice.pick(['crowd', 'ring'] as const) : dice.pick(['crowd', 'alone'] as const)
  const count = form === 'crowd' ? 3 : form === 'ring' ? 2 : dice.between(1, 2)
  return Array.from({ length: count }, (_, at) => {
    const owner = form === 'crowd' ? 'honest-crowd' : `honest-c${at}`
    return { name: `c${at}`, owner, voice: form === 'alone' && at > 0 ? dice.pick(cheats) : voice }
  })
}

// ------------------------------------------------------------ what weeks have left

function past(dice: Dice, { name, owner, voice }: PlayedScout, model: string, haste: number): TrustRecord {
  const record = newRecord(`${owner}/${name}`, model, owner, wallMs - 40 * dayMs)
  const old = { state: 'trusted', passed: dice.between(10, 60) } as const
  if (!isCheat(voice)) return dice.chance(0.8) ? { ...record, ...old } : comingOfAge(record, haste)
  const doubt = confirmingDoubt
  const begun = { sinceMs: wallMs - dayMs / 2, watches: 1 }
  return dice.pick<TrustRecord>([
    { ...record, sinceMs: wallMs, firstMs: wallMs },
    { ...record, ...old },
    // A check away from a confirmation, and one or a few from its end, either way.
    { ...record, ...begun, state: 'watched', doubt: doubt - 0.1 },
    { ...record, ...begun, state: 'confirming', doubt, fresh: freshChecksMax - 2, evidence: -8 },
    { ...record, ...begun, state: 'confirming', doubt, fresh: 20, evidence: 5 },
    convictedOf(record, haste),
  ])
}

/** Its checks passed, and its day ends within the life. */
function comingOfAge(record: TrustRecord, haste: number): TrustRecord {
  return { ...record, firstMs: wallMs - dayMs + 200_000 * haste, passed: 12 }
}

/** Its time ends within the life. */
function convictedOf(record: TrustRecord, haste: number): TrustRecord {
  const untilMs = wallMs + 150_000 * haste
  const times = { sinceMs: untilMs - dayMs, convictedMs: untilMs - dayMs, untilMs }
  return { ...record, state: 'convicted', convictions: 1, watches: 1, ...times }
}

/**
 * Some have appealed already, and little is missing to the end of that; among them an honest one that was convicted
 * wrongly.
 */
function appealing(dice: Dice, { voice }: PlayedScout, record: TrustRecord, haste: number): TrustRecord {
  const isWronged = !isCheat(voice) && dice.chance(0.05)
  if (!isWronged && (record.state !== 'convicted' || !dice.chance(0.5))) return record
  const convicted = convictedOf(record, haste)
  const taken = { isProven: isWronged && isProven(record), convictedMs: 0 }
  const shown = dice.pick([
    { fresh: freshChecksMax - 3, evidence: -8 },
    { fresh: 20, evidence: isWronged ? 0 : 5 },
  ])
  return { ...convicted, ...shown, taken, isProven: false, appeal: { atMs: wallMs, isLost: false } }
}

/** So many of other owners came under watch today that nobody is convicted, until a day has passed. */
function suspects(dice: Dice, models: readonly string[]): TrustWrite[] {
  return Array.from({ length: dice.between(3, 4) }, (_, at) => at).flatMap((at) =>
    models.map((model) => {
      const record = newRecord(`gone-${at}/s`, model, `gone-${at}`, wallMs - 40 * dayMs)
      return rowOf({ ...record, state: 'watched', doubt: 4.5, sinceMs: wallMs - (dayMs * at) / 8, watches: 1 })
    }),
  )
}

function rowOf(record: TrustRecord): TrustWrite {
  const { scout, model } = record
  return { write: 'trust', row: { scout, model, bookedMs: wallMs, record: JSON.stringify(record) } }
}

/** How alike trusted answers were: enough pairs to tell what is odd, and mostly enough for what is grossly so. */
function pairsOf(dice: Dice, model: string): TrustWrite {
  const count = dice.pick([80, 400])
  const pairs = Array.from({ length: count }, (_, at) => {
    return { owners: `a${at}\nb${at}`, similarity: 0.55 + 0.45 * (at / count) }
  })
  return { write: 'trustMemory', row: { name: `warm ${model}`, bookedMs: wallMs, body: JSON.stringify(pairs) } }
}

/** The process as trust knows it, whose days are short. */
export function hastened(system: System, haste: number): System {
  return {
    nowMs: () => system.nowMs(),
    wallMs: () => wallMs + (system.wallMs() - wallMs) * haste,
    after: (delayMs, callback) => system.after(delayMs, callback),
    soon: (callback) => system.soon(callback),
    randomBytes: (count) => system.randomBytes(count),
    random: () => system.random(),
  }
}
