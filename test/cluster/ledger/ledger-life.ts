/**
 * Some minutes in the life of a network's ledgers, drawn from a seed: hubs whose clients and scouts work with each
 * other, which die, lose what was not sealed, are cut off, get no answers, and come back; claims that nobody
 * acknowledged; and strangers who show old messages again. At the end every hub has to count the same, and what was
 * earned: each task once.
 */
import { Random } from '../../../orchestrator/core/model/random.ts'
import { sharedTaskText } from '../../../orchestrator/ledger/network/shared-task.ts'
import { flagBits } from '../../../orchestrator/ledger/points/zero-rules.ts'
import type { Receipt } from '../../../orchestrator/ledger/receipts/receipt.ts'
import { ManualSystem } from '../../support/clocks/manual-system.ts'
import { type LedgerHub, LedgerNetworkStage, prefix } from '../../support/cluster/ledger-network.ts'
import { noLogTrouble } from '../../support/cluster/model-log.ts'

const names = ['alpha', 'beta', 'gamma']
const operators = ['key_ant', 'key_bee', 'acc_cat']
const rounds = 120

interface LifeOutcome {
  /** What does not hold, as sentences. */
  broken: string[]
  deaths: number
  cuts: number
  shared: number
  /** Receipts that a death took before they were sealed. */
  lost: number
}

/** Its chance is that of the life. */
class SeededSystem extends ManualSystem {
  constructor(private readonly chance: Random) {
    super()
  }

  override random(): number {
    return this.chance.unit()
  }
}

/** A task that one hub did for another, and what it is worth when both stand for it. */
interface Pair {
  operator: string
  points: number
  asked: Receipt
  served: Receipt
}

class Life {
  readonly outcome: LifeOutcome = { broken: [], deaths: 0, cuts: 0, shared: 0, lost: 0 }
  /** Receipts that are not sealed yet, by hub. */
  private readonly open = new Map<string, Receipt[]>(names.map((name) => [name, []]))
  private readonly pairs: Pair[] = []
  private readonly own: { operator: string; receipt: Receipt }[] = []
  private readonly sealed = new Set<Receipt>()

  constructor(
    private readonly chance: Random,
    private readonly stage: LedgerNetworkStage,
  ) {}

  async live(): Promise<LifeOutcome> {
    const { stage } = this
    stage.logs.trouble = {
      delayMs: [0, 400],
      ...{ lostQuestions: 0.03, lostAnswers: 0.05, lateQuestions: 0.03, lateQuestionsMs: 15_000 },
    }
    for (let round = 0; round < rounds; round++) {
      this.something()
      await stage.pass(100 + Math.floor(this.draw() * 900))
    }
    stage.logs.trouble = noLogTrouble
    for (const name of names) {
      stage.hub(name).log.cut(false)
      this.seal(stage.hub(name))
    }
    await stage.pass(20_000)
    this.check()
    return this.outcome
  }

  private something(): void {
    const hub = this.stage.hub(this.one(names))
    const drawn = this.draw()
    if (drawn < 0.3) this.ownTask(hub.name)
    else if (drawn < 0.6) this.sharedTask(hub.name)
    else if (drawn < 0.8) this.seal(hub)
    else if (drawn < 0.84) this.lie(hub)
    else if (drawn < 0.9) this.replay()
    else if (drawn < 0.95) this.cut(hub)
    else this.die(hub)
  }

  private ownTask(name: string): void {
    const operator = this.one(operators)
    const receipt = this.stage.ownTask({ scout: `${operator}/one`, answerUnits: Math.floor(this.draw() * 90_000) })
    this.open.get(name)!.push(receipt)
    this.own.push({ operator, receipt })
  }

  private sharedTask(asker: string): void {
    const home = this.one(names.filter((name) => name !== asker))
    const operator = this.one(operators)
    const isVoid = this.draw() < 0.2
    const flags = flagBits.elsewhere | (isVoid ? flagBits.repeat : 0)
    const { asked, served } = this.stage.sharedTask(asker, home, { flags })
    served.scout = `${operator}/one`
    this.open.get(asker)!.push(asked)
    this.open.get(home)!.push(served)
    const points = isVoid ? 0 : served.points
    this.pairs.push({ operator, points, asked, served })
    this.outcome.shared++
  }

  /** As after a second, or at the end of a process. */
  private seal(hub: LedgerHub): void {
    const receipts = this.open.get(hub.name)!.splice(0)
    if (receipts.length === 0) return
    for (const receipt of receipts) this.sealed.add(receipt)
    hub.chain.seal(receipts, this.stage.system.wallMs())
  }

  /** It says that another one had asked. */
  private lie(hub: LedgerHub): void {
    const asker = this.one(names.filter((name) => name !== hub.name))
    // Of a task that it had no part in, or of one that there never was.
    const { task } = this.pairs.find(({ asked }) => asked.home !== hub.name)?.asked ?? { task: 10_000 }
    const receipt = this.stage.ownTask({ asker: sharedTaskText({ asker, task, attempt: 1 }) })
    hub.chain.seal([receipt], this.stage.system.wallMs())
  }

  private replay(): void {
    const { logs } = this.stage
    const old = logs.of(`${prefix}.ledger.*`)
    const shown = old[Math.floor(this.draw() * old.length)]
    if (shown !== undefined) logs.append(shown.subject, shown.message, logs.lastOf(shown.subject))
  }

  private cut({ log }: LedgerHub): void {
    log.cut(log.apart === null)
    this.outcome.cuts++
  }

  private die(hub: LedgerHub): void {
    this.outcome.lost += this.open.get(hub.name)!.splice(0).length
    const isKept = this.draw() < 0.5
    if (!isKept) hub.die()
    hub.restart()
    this.outcome.deaths++
  }

  private check(): void {
    const { broken } = this.outcome
    const due = new Map<string, number>()
    const add = (operator: string, points: number) => due.set(operator, (due.get(operator) ?? 0) + points)
    for (const { operator, receipt } of this.own) if (this.sealed.has(receipt)) add(operator, receipt.points)
    for (const { operator, points, asked, served } of this.pairs) {
      if (this.sealed.has(asked) && this.sealed.has(served)) add(operator, points)
    }
    for (const name of names) {
      const hub = this.stage.hub(name)
      for (const operator of operators) {
        const counted = hub.pointsOf(operator)
        if (counted !== (due.get(operator) ?? 0))
          broken.push(`${name} counts ${counted} of ${operator}, not ${due.get(operator)}`)
      }
      for (const { name: other, why } of hub.sharing.hubs())
        if (why !== null) broken.push(`${name} says of ${other}: ${why}`)
    }
    const views = names.map((name) => JSON.stringify(this.stage.hub(name).sums()))
    if (new Set(views).size > 1) broken.push(`hubs count differently: ${views.join(' and ')}`)
  }

  private draw(): number {
    return this.chance.unit()
  }

  private one<Of>(of: readonly Of[]): Of {
    return of[Math.floor(this.draw() * of.length)]!
  }
}

export function ledgerLife(seed: number): Promise<LifeOutcome> {
  const chance = new Random(seed)
  return new Life(chance, new LedgerNetworkStage(names, new SeededSystem(chance))).live()
}
