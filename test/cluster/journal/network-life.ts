/**
 * The life of a network under a seed: three hubs with their scouts, to whom intents are given while hubs die and start
 * anew, are cut off from the others, and questions to the log and their answers are late or lost. In the end all is
 * well again, and every promise is checked: what was accepted is done, once, and shown the same by every hub.
 */
import { Random } from '../../../orchestrator/core/model/random.ts'
import { leaseGraceMs, leaseTtlMs } from '../../../shared/limits/scheduling.ts'
import { ManualSystem } from '../../support/clocks/manual-system.ts'
import { type EngineHub, EngineNetwork } from '../../support/cluster/engine-network.ts'
import { noTrouble as noBusTrouble } from '../../support/cluster/model-bus.ts'
import { Work } from '../../support/hub/engine-bench.ts'

const names = ['alpha', 'beta', 'gamma']
const steps = 60

class SeededSystem extends ManualSystem {
  constructor(private readonly chance: Random) {
    super()
  }

  override random(): number {
    return this.chance.unit()
  }
}

export interface Outcome {
  accepted: number
  refused: number
  deaths: number
  cuts: number
  /** What was promised and does not hold. */
  broken: string[]
}

export async function networkLife(seed: number): Promise<Outcome> {
  const chance = new Random(seed)
  const life = new NetworkLife(chance, new EngineNetwork(names, {}, new SeededSystem(chance)))
  for (let step = 0; step < steps; step++) await life.step()
  await life.heal()
  return life.judged()
}

class NetworkLife {
  private readonly accepted = new Set<string>()
  private readonly outcome: Outcome = { accepted: 0, refused: 0, deaths: 0, cuts: 0, broken: [] }
  private readonly dead = new Set<EngineHub>()
  private readonly cut = new Set<EngineHub>()
  /** Verdicts that scouts heard, by task. */
  private readonly committed = new Map<number, number>()
  private joined = 0

  constructor(
    private readonly chance: Random,
    private readonly stage: EngineNetwork,
  ) {
    stage.logs.trouble = { delayMs: [0, 60], lostQuestions: 0.02, lostAnswers: 0.02 }
    stage.buses.trouble = { delayMs: [0, 200], lost: 0.02, repeated: 0.02 }
  }

  async step(): Promise<void> {
    const { chance, stage } = this
    const hubs = [...stage.hubs.values()]
    const hub = hubs[Math.floor(chance.unit() * hubs.length)]
    const draw = chance.unit()
    if (hub !== undefined && draw < 0.45) this.accept(hub)
    else if (hub !== undefined && draw < 0.55 && this.dead.size === 0) this.kill(hub)
    else if (draw < 0.65) this.restart()
    else if (hub !== undefined && draw < 0.75 && this.cut.size === 0) this.cutOff(hub, true)
    else if (draw < 0.85) for (const one of [...this.cut]) this.cutOff(one, false)
    this.work()
    await stage.pass(200 + Math.floor(chance.unit() * 3_000))
  }

  /** All hubs are there and connected, nothing gets lost any more, and time enough passes. */
  async heal(): Promise<void> {
    this.stage.logs.trouble = { delayMs: [0, 5], lostQuestions: 0, lostAnswers: 0 }
    this.stage.buses.trouble = noBusTrouble
    for (const one of [...this.cut]) this.cutOff(one, false)
    while (this.dead.size > 0) this.restart()
    for (let passed = 0; passed < 4 * (leaseTtlMs + leaseGraceMs); passed += 1_000) {
      this.work()
      await this.stage.pass(1_000)
    }
  }

  async judged(): Promise<Outcome> {
    const { outcome, stage } = this
    outcome.accepted = this.accepted.size
    for (const id of this.accepted) await this.judge(id)
    for (const [task, times] of this.committed)
      if (times > 1) outcome.broken.push(`task ${task} committed ${times} times`)
    for (const { hub, bench } of stage.hubs.values()) {
      for (const defect of bench.defects) outcome.broken.push(`a defect of ${hub.name}: ${String(defect.cause)}`)
    }
    return outcome
  }

  private async judge(id: string): Promise<void> {
    const shown = new Set<string>()
    for (const { hub, bench } of this.stage.hubs.values()) {
      const { intents } = bench.engine
      let isThere = false
      void Promise.resolve(intents.bring(id)).then(() => {
        isThere = true
      })
      await this.stage.until(`${hub.name} to have ${id} at hand`, () => isThere)
      const state = intents.intent(id, null)?.state ?? 'unknown'
      const result = Buffer.from(intents.result(id, 'answer') ?? []).toString()
      const ends = state === 'unknown' ? 0 : bench.events(id).filter(({ type }) => type === 'task_settled').length
      shown.add(`${state}, ended ${ends} times: ${result}`)
    }
    const [only = ''] = shown
    const isWell = shown.size === 1 && only.startsWith('done, ended 1 times')
    if (!isWell) this.outcome.broken.push(`${id} is ${[...shown].join(' | ')}`)
  }

  private accept({ bench }: EngineHub): void {
    void bench.accept({ answer: [] }).then((accepted) => {
      if (accepted.type === 'accepted') this.accepted.add(accepted.id)
      else this.outcome.refused++
    })
  }

  private kill(hub: EngineHub): void {
    hub.die()
    this.cut.delete(hub)
    this.dead.add(hub)
    this.outcome.deaths++
  }

  private restart(): void {
    for (const hub of this.dead) hub.restart()
    this.dead.clear()
  }

  private cutOff(hub: EngineHub, isCut: boolean): void {
    hub.cut(isCut)
    if (isCut) {
      this.cut.add(hub)
      this.outcome.cuts++
    } else this.cut.delete(hub)
  }

  /** Scouts come, and answer what they were given; each answer is another one. */
  private work(): void {
    for (const { hub, bench } of this.stage.hubs.values()) {
      const answered = bench.take('task').map(({ session, frame, body }) => new Work(bench, session, frame, body!))
      for (const work of answered) bench.finish(work, `by ${hub.name}, attempt ${work.lease.attempt}`)
      const verdicts = bench.take('settled').flatMap(({ frame }) => frame.acks)
      for (const [task, , verdict] of verdicts) {
        if (verdict === 'committed') this.committed.set(task, (this.committed.get(task) ?? 0) + 1)
      }
      const name = `${hub.name}-${++this.joined}`
      bench.join(['m'], 4, { name, instance: name })
    }
  }
}
