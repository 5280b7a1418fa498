/**
 * Disputes of the simulated world, as far as they move points: a client pledges, the points of the answer are set
 * aside, it may appeal, and a verdict is drawn that has its consequences. Like the dispute desk it takes a dispute for
 * filed, or ended, once that is committed, and does again what a death came before; what was pledged for a dispute that
 * was never filed it gives back. Nobody is heard: verdicts fall from the sky.
 */
import type { HubEngine } from '../../../orchestrator/engine/engine.ts'
import type { Pledge } from '../../../orchestrator/ledger/accounts/account.ts'
import { atOnce } from '../../../shared/turn-lane.ts'
import { tenants } from '../payers.ts'
import { type Receipts, rulings } from '../receipts.ts'
import type { Dice, Process, World } from '../world.ts'

interface Claim {
  id: string
  task: number
  tenant: string
  hearings: number
  filedMs: number
  /** It is in the store. */
  isFiled: boolean
  /** Drawn once, however often it is carried out. */
  ruling: (typeof rulings)[number] | null
}

/** The hub, as far as claims need it. */
interface ClaimedHub {
  readonly isSound: boolean
  readonly frozenForMs: number
  ask<T>(request: () => T): T | null
}

/** Shares of lives in which anybody disputes, and of moves that are made twice. */
const livesShare = 0.4
const twiceShare = 0.3
const meanMs = 4_000
const openMax = 6
/** Of a dispute, as long as what was spent on its answer may take to be sealed. */
const leastMs = 5_000

export class Claims {
  private readonly dice: Dice
  private claims: Claim[] = []
  private isOver = false
  private count = 0
  private engine: HubEngine | null = null

  constructor(
    private readonly world: World,
    private readonly ground: Process,
    private readonly receipts: Receipts,
    private readonly hub: ClaimedHub,
  ) {
    this.dice = world.dice('claims')
    if (this.dice.chance(livesShare)) this.later()
  }

  private later(): void {
    this.world.arm(this.ground, this.dice.waitMs(meanMs), () => {
      if (this.engine !== null && this.hub.isSound && this.hub.frozenForMs === 0) this.hub.ask(() => this.act())
      if (!this.isOver || this.claims.length > 0) this.later()
    })
  }

  /** A process of the hub begins: what the one before had not written is not there. */
  begins(engine: HubEngine): void {
    this.engine = engine
    this.claims = this.claims.filter(({ isFiled }) => isFiled)
    for (const pledge of engine.ledger!.pledges!.open()) {
      const isKnown = this.claims.some(({ id, hearings }) => id === pledge.dispute && hearings >= pledge.hearing)
      if (!isKnown) this.end(pledge.dispute, [{ ...pledge, isLost: false }])
    }
  }

  dies(): void {
    this.engine = null
  }

  /** Nobody disputes anything more, and what is open ends. */
  calm(): void {
    this.isOver = true
  }

  private act(): void {
    const claim = this.claims.length === 0 ? undefined : this.dice.pick(this.claims)
    if (this.engine!.journal.trouble !== null) return
    if (!this.isOver && this.claims.length < openMax && this.dice.chance(0.5)) return this.file()
    if (claim?.isFiled !== true || this.world.nowMs - claim.filedMs < leastMs) return
    if (claim.ruling === null && claim.hearings === 1 && this.dice.chance(0.3)) return this.appeal(claim)
    this.rule(claim)
  }

  private file(): void {
    const { ledger, journal } = this.engine!
    const task = this.receipts.undisputed(this.dice)
    const tenant = tenants.find((one) => task !== null && ledger!.witness.attested(task, one) !== undefined)
    if (task === null || tenant === undefined) return
    const filed = { id: `dsp_${++this.count}`, task, tenant, filedMs: this.world.nowMs }
    const claim: Claim = { ...filed, hearings: 1, isFiled: false, ruling: null }
    const cost = ledger!.pledges!.costOf(task)!
    if (ledger!.pledges!.set(pledgeOf(claim, 1), 3 * cost) !== null) return
    this.receipts.disputed(task)
    this.claims.push(claim)
    ledger!.judge({ id: claim.id, do: 'hold', tasks: [task] })
    journal.addHere([], () => {
      claim.isFiled = true
    })
  }

  private appeal(claim: Claim): void {
    const { ledger, journal } = this.engine!
    const cost = ledger!.pledges!.costOf(claim.task)!
    if (ledger!.pledges!.set(pledgeOf(claim, 2), 6 * cost) !== null) return
    journal.addHere([], () => {
      claim.hearings = 2
    })
  }

  private rule(claim: Claim): void {
    const { ledger, journal } = this.engine!
    claim.ruling ??= this.dice.pick(rulings)
    const { id, task, tenant, ruling, hearings } = claim
    this.receipts.ruled(id, ruling)
    const isLost = ruling === 'rejected'
    const pledges = ([1, 2] as const).slice(0, hearings).map((hearing) => ({ ...pledgeOf(claim, hearing), isLost }))
    const repay = ruling === 'upheld' ? { tenant, points: atOnce(ledger!.pledges!.spentOn(task)) } : null
    const verdict = { id, do: ruling === 'upheld' ? 'clawback' : 'release', tasks: [task], pledges } as const
    for (let times = this.dice.chance(twiceShare) ? 2 : 1; times > 0; times--) {
      ledger!.judge({ ...verdict, ...(repay !== null && { repay }) })
    }
    journal.addHere([], () => {
      this.claims = this.claims.filter((one) => one !== claim)
    })
  }

  private end(id: string, pledges: readonly (Pledge & { isLost: boolean })[]): void {
    this.engine!.ledger!.judge({ id, do: 'release', tasks: [], pledges })
  }
}

function pledgeOf({ id, task, tenant }: Claim, hearing: 1 | 2): Pledge {
  return { dispute: id, task, tenant, hearing }
}
