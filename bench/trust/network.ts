/**
 * Attacks by many on the trust of a whole network: 1,000 scouts that are each other's references, so that a ring judges
 * honest scouts and its own members, enrols probes, and sets off the brake. What answers are like is drawn from rates;
 * references, verdicts, states, owners, brake and budget are the hub's own code.
 */
import { Random } from '../../orchestrator/core/model/random.ts'
import { type Candidate, Judges, referencesAmong } from '../../orchestrator/trust/audits/references.ts'
import type { Likeness } from '../../orchestrator/trust/comparison/pairs.ts'
import { verdictOf } from '../../orchestrator/trust/comparison/verdict.ts'
import { Brake } from '../../orchestrator/trust/standing/brake.ts'
import { AuditBudget } from '../../orchestrator/trust/standing/budget.ts'
import { Owners } from '../../orchestrator/trust/standing/owners.ts'
import {
  auditShare,
  book,
  mature,
  newRecord,
  probeShareOf,
  type TrustRecord,
} from '../../orchestrator/trust/standing/record.ts'
import type { AuditOutcome } from '../../orchestrator/trust/standing/weights.ts'
import { type Deployment, honest } from './deployments.ts'

const monthMs = 30 * 24 * 3_600_000
const dayMs = 24 * 3_600_000
/** Idle scouts among which a reference is chosen. */
const candidatesSeen = 24

export interface Attack {
  name: string
  deployment: Deployment
  scouts: number
  cheats: number
  /** Owners of the cheats; honest scouts have one each. */
  cheatOwners: number
  /** Cheats confirm each other's answers, whoever owns them. */
  isRing: boolean
  /** As if there were no bound on audits: shows what the bound costs. */
  isUnbounded?: boolean
}

interface Player {
  record: TrustRecord
  judges: Judges
  isCheat: boolean
  tasks: number
  convictedAt: number
  wasWatched: boolean
}

export interface AttackResult {
  name: string
  found: number
  medianTasks: number
  p99Tasks: number
  honestConvicted: number
  honestWatched: number
  /** Audits as a share of all tasks. */
  overhead: number
  /** Share of the time in which the brake held. */
  braked: number
}

/** An answer among the others of one audit: the same class is alike. */
interface Answer {
  player: Player
  /** 0 is what the model says, -1 what the ring says; everything else is alone. */
  group: number
  isGross: boolean
}

class Network {
  private readonly players: Player[] = []
  private readonly owners = new Owners()
  private readonly brake = new Brake()
  private readonly budget = new AuditBudget()
  private nowMs = 0
  private audits = 0
  private asked = 0
  private done = 0

  constructor(
    private readonly attack: Attack,
    private readonly random: Random,
  ) {
    const { scouts, cheats, cheatOwners } = attack
    for (let at = 0; at < scouts; at++) {
      const isCheat = at < cheats
      const owner = isCheat ? `cheat ${at % cheatOwners}` : `honest ${at}`
      // Honest scouts were there before: their first day is over, and they have as many passes as some weeks give.
      const record = newRecord(`scout ${at}`, 'model', owner, isCheat ? 0 : -2 * dayMs)
      if (!isCheat) Object.assign(record, { state: 'trusted', passed: 50 })
      const counts = { tasks: 0, convictedAt: Number.POSITIVE_INFINITY, wasWatched: false }
      this.players.push({ record, judges: new Judges(), isCheat, ...counts })
    }
  }

  /** So many tasks for each scout within a month. */
  live(tasks: number): AttackResult {
    this.budget.noteSettled(((this.attack.scouts - this.attack.cheats) * tasks) / 30, 0)
    let braked = 0
    for (let round = 1; round <= tasks; round++) {
      this.nowMs = (round * monthMs) / tasks
      for (const player of this.players) this.serve(player)
      if (this.isBraked()) braked += 1 / tasks
    }
    const ours = this.players.filter(({ isCheat }) => !isCheat)
    const at = this.players.filter(({ isCheat }) => isCheat).map(({ convictedAt }) => convictedAt)
    at.sort((a, b) => a - b)
    return {
      name: this.attack.name,
      found: at.filter(Number.isFinite).length / Math.max(1, at.length),
      medianTasks: at[at.length >> 1] ?? Number.NaN,
      p99Tasks: at[Math.floor(at.length * 0.99)] ?? Number.NaN,
      honestConvicted: ours.filter(({ convictedAt }) => Number.isFinite(convictedAt)).length / ours.length,
      honestWatched: ours.filter(({ wasWatched }) => wasWatched).length / ours.length,
      overhead: this.asked / this.done,
      braked,
    }
  }

  private isBraked(): boolean {
    const { scouts, cheats, cheatOwners } = this.attack
    return this.brake.holds(scouts - cheats + cheatOwners, this.nowMs)
  }

  private now(owner: string) {
    return { nowMs: this.nowMs, needed: this.owners.needed(owner, this.nowMs), mayConvict: !this.isBraked() }
  }

  private serve(player: Player): void {
    const { record } = player
    mature(record, { nowMs: this.nowMs, needed: this.owners.needed(record.owner, this.nowMs), mayConvict: true })
    if (record.state === 'convicted') return
    player.tasks++
    this.done++
    this.budget.noteSettled(1, this.nowMs)
    if (this.random.unit() >= auditShare(record)) return
    if (this.attack.isUnbounded !== true && !this.budget.allows(record, this.nowMs)) return
    this.audits++
    if (this.random.unit() < probeShareOf(record)) this.probe(player)
    else this.shadow(player)
  }

  private ask(): void {
    this.asked++
    this.budget.noteAsked(1, this.nowMs)
  }

  private some(): Player {
    return this.players[this.random.below(this.players.length)]!
  }

  /**
   * A question that three of five trusted scouts of different owners answered right when it was enrolled. The hub knows
   * the right answer, so a ring cannot enrol wrong ones; it can only fail those that it would be found by.
   */
  private probe(player: Player): void {
    this.ask()
    const { wrong } = this.attack.deployment
    for (;;) {
      const makers = Array.from({ length: 5 }, () => this.trusted())
      if (new Set(makers.map(({ record }) => record.owner)).size < 5) continue
      const isBeyondCheats = this.random.unit() < wrong
      if (isBeyondCheats && makers.filter(({ isCheat }) => isCheat).length > 2) continue
      const isWrong = player.isCheat ? isBeyondCheats : this.random.unit() < honest.wrong
      return this.note(player, isWrong ? 'wrong' : 'pass')
    }
  }

  private trusted(): Player {
    for (;;) {
      const player = this.some()
      if (player.record.state === 'trusted') return player
    }
  }

  private shadow(player: Player): void {
    const answers: Answer[] = []
    // What the ring says to this prompt, whoever of it is asked.
    const ringDraw = this.random.unit()
    this.answer(player, ringDraw, answers)
    const likeness = (one: number, other: number) => likenessOf(answers[one]!, answers[other]!)
    let verdict = verdictOf(1, likeness)
    while (verdict.type === 'open') {
      const reference = this.reference(player, answers)
      if (reference === undefined) return
      this.ask()
      this.answer(reference, ringDraw, answers)
      verdict = verdictOf(answers.length, likeness)
    }
    if (verdict.type === 'inconclusive') return
    answers.forEach(({ player: one }, at) => {
      const isOdd = verdict.type === 'odd' && verdict.at === at
      this.note(one, isOdd ? (verdict.type === 'odd' && verdict.isGross ? 'gross' : 'odd') : 'pass')
    })
  }

  private reference(player: Player, answers: readonly Answer[]): Player | undefined {
    const seen = Array.from({ length: candidatesSeen }, () => this.some())
    const candidates = seen.map(({ record: { scout, owner, state } }): Candidate => {
      return { scout, owner, provider: '', state, isAnchor: false }
    })
    const owners = new Set(answers.map((answer) => answer.player.record.owner))
    const answered = { owners, isFirst: answers.length === 1, provider: 'other', number: this.audits }
    const among = referencesAmong(candidates, answered, player.judges)
    const chosen = among[this.random.below(Math.max(1, among.length))]
    if (chosen === undefined) return undefined
    player.judges.note(chosen.owner)
    return seen[candidates.indexOf(chosen)]
  }

  private answer(player: Player, ringDraw: number, answers: Answer[]): void {
    const { deployment, isRing } = this.attack
    const { odd, gross } = player.isCheat ? deployment : honest
    const draw = player.isCheat && isRing ? ringDraw : this.random.unit()
    const isAlone = draw < gross + odd
    const group = isAlone ? (player.isCheat && isRing ? -1 : answers.length + 1) : 0
    answers.push({ player, group, isGross: draw < gross })
  }

  private note(player: Player, outcome: AuditOutcome): void {
    const { record } = player
    const before = record.state
    book(record, outcome, this.nowMs, this.now(record.owner))
    if (record.state === before) return
    if (record.state === 'watched') {
      player.wasWatched = true
      this.brake.noteWatched(record.owner, this.nowMs)
    }
    if (record.state === 'confirming') player.wasWatched = true
    if (record.state !== 'convicted') return
    this.owners.noteConviction(record.owner, this.nowMs)
    player.convictedAt = Math.min(player.convictedAt, player.tasks)
  }
}

function likenessOf(one: Answer, other: Answer): Likeness {
  if (one.group === other.group) return 'like'
  return one.isGross || other.isGross ? 'gross' : 'unlike'
}

export function runAttack(attack: Attack, tasks: number, seed: number): AttackResult {
  return new Network(attack, new Random(seed)).live(tasks)
}
