/**
 * The life of a network under a seed: three hubs with their scouts, to whom intents are given while hubs die and start
 * anew, are cut off from the others, and questions to the log and their answers are late or lost, or take effect
 * long after they were given up; servers of the log that take the lead lag behind for a while. Clients follow
 * intents at any hub, and go on at another one when theirs breaks off. In the end all is well again, and every promise
 * is checked: what was accepted is done, once, and shown the same by every hub, and who followed it was told each
 * piece of an answer once and in order.
 */
import { Random } from '../../../orchestrator/core/model/random.ts'
import type { IntentEvent, IntentEvents } from '../../../orchestrator/engine/ports/intents.ts'
import { leaseGraceMs, leaseTtlMs } from '../../../shared/limits/scheduling.ts'
import { ManualSystem } from '../../support/clocks/manual-system.ts'
import { type EngineHub, EngineNetwork } from '../../support/cluster/engine-network.ts'
import { noTrouble as noBusTrouble } from '../../support/cluster/model-bus.ts'
import { noLogTrouble } from '../../support/cluster/model-log.ts'
import { deltaLine, Work } from '../../support/hub/engine-bench.ts'

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
  /** Pieces of answers that clients were told of at hubs that did not have the intent. */
  piecesAway: number
  /** What was promised and does not hold. */
  broken: string[]
}

/** A client that follows an intent, now at one hub and then at another. */
interface Following {
  id: string
  events: IntentEvent[]
  /** Null while it looks for a hub. */
  reading: { reader: IntentEvents; hub: EngineHub } | null
  isOver: boolean
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
  private readonly outcome: Outcome = { accepted: 0, refused: 0, deaths: 0, cuts: 0, piecesAway: 0, broken: [] }
  private readonly following: Following[] = []
  /** Answers that have begun, with the hub that their scout is at. */
  private readonly begun: { work: Work; hub: EngineHub }[] = []
  private readonly dead = new Set<EngineHub>()
  private readonly cut = new Set<EngineHub>()
  /** Verdicts that scouts heard, by task. */
  private readonly committed = new Map<number, number>()
  private joined = 0

  constructor(
    private readonly chance: Random,
    private readonly stage: EngineNetwork,
  ) {
    stage.logs.trouble = {
      delayMs: [0, 60],
      ...{ lostQuestions: 0.02, lostAnswers: 0.02, lateQuestions: 0.02, lateQuestionsMs: 15_000 },
    }
    stage.buses.trouble = { ...noLogTrouble, delayMs: [0, 200], lost: 0.02, repeated: 0.02 }
  }

  async step(): Promise<void> {
    const { chance, stage } = this
    const hubs = [...stage.hubs.values()]
    const hub = hubs[Math.floor(chance.unit() * hubs.length)]
    const draw = chance.unit()
    if (hub !== undefined && draw < 0.45) this.accept(hub)
    else if (hub !== undefined && draw < 0.55 && this.dead.size === 0) {
      // Some start anew while what they asked for is still on its way.
      this.work(0.5)
      await stage.pass(Math.floor(chance.unit() * 60))
      this.kill(hub)
      if (draw < 0.5) this.restart()
    } else if (draw < 0.65) this.restart()
    else if (hub !== undefined && draw < 0.75 && this.cut.size === 0) this.cutOff(hub, true)
    else if (draw < 0.85) for (const one of [...this.cut]) this.cutOff(one, false)
    if (chance.unit() < 0.2) stage.logs.elect(1_000, 500)
    this.work(0.5)
    this.follow()
    await stage.pass(200 + Math.floor(chance.unit() * 3_000))
  }

  /** All hubs are there and connected, nothing gets lost any more, and time enough passes. */
  async heal(): Promise<void> {
    this.stage.logs.trouble = { ...noLogTrouble, delayMs: [0, 5] }
    this.stage.buses.trouble = noBusTrouble
    for (const one of [...this.cut]) this.cutOff(one, false)
    while (this.dead.size > 0) this.restart()
    for (let passed = 0; passed < 4 * (leaseTtlMs + leaseGraceMs); passed += 1_000) {
      this.work(1)
      this.follow()
      await this.stage.pass(1_000)
    }
  }

  async judged(): Promise<Outcome> {
    const { outcome, stage } = this
    outcome.accepted = this.accepted.size
    for (const id of this.accepted) await this.judge(id)
    for (const [task, times] of this.committed)
      if (times > 1) outcome.broken.push(`task ${task} committed ${times} times`)
    for (const following of this.following) this.judgeEvents(following)
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
      if (accepted.type === 'accepted') {
        this.accepted.add(accepted.id)
        this.following.push({ id: accepted.id, events: [], reading: null, isOver: false })
      } else this.outcome.refused++
    })
  }

  // ------------------------------------------------------------ clients that follow

  private follow(): void {
    for (const following of this.following) {
      if (following.isOver) continue
      if (following.reading === null) this.look(following)
      else this.read(following, following.reading)
    }
  }

  /** At any hub, behind what it has. */
  private look(following: Following): void {
    const hubs = [...this.stage.hubs.values()]
    const hub = hubs[Math.floor(this.chance.unit() * hubs.length)]
    const intents = hub?.bench.engine.intents
    void Promise.resolve(intents?.bring(following.id)).then((why) => {
      const isHere = (why ?? null) === null && this.stage.hubs.get(hub?.hub.name ?? '') === hub
      if (following.reading !== null || !isHere) return
      const reader = intents?.events(following.id, null, following.events.at(-1)?.id ?? null)
      if (reader !== undefined) following.reading = { reader, hub: hub! }
    })
  }

  private read(following: Following, { reader, hub }: NonNullable<Following['reading']>): void {
    const isAway = !hub.bench.engine.core.state.intents.has(following.id)
    for (let part = reader.take(); part !== null; part = reader.take()) {
      following.events.push(...part.events)
      if (isAway) this.outcome.piecesAway += part.events.filter(({ type }) => type === 'chunk').length
      if (!part.ended) continue
      following.isOver = following.events.at(-1)?.type === 'done'
      following.reading = null
      return reader.close()
    }
    if (this.stage.hubs.get(hub.hub.name) === hub) return
    reader.close()
    following.reading = null
  }

  /** Each piece of an attempt once and in order, from the first one on, and none of what was given up or is over. */
  private judgeEvents({ id, events, isOver }: Following): void {
    const { broken } = this.outcome
    if (!isOver) broken.push(`whoever followed ${id} was not told of its end`)
    let due = 0
    let current = 0
    /** The least attempt that may still be told of. */
    let open = 1
    for (const { type, data } of events) {
      const { attempt = current, index } = JSON.parse(data) as { attempt?: number; index?: number }
      if (type === 'attempt_reset' || type === 'task_settled') open = Math.max(open, attempt + 1)
      if (type !== 'chunk') continue
      if (attempt < open) broken.push(`a piece of attempt ${attempt} of ${id} came late`)
      if (attempt !== current) due = 0
      current = attempt
      if (index !== due) broken.push(`piece ${index} of ${id} came where ${due} was due`)
      due++
    }
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

  /** Scouts come, and answer what they were given, some of it later than at once; each answer is another one. */
  private work(share: number): void {
    for (const { work, hub } of this.begun.splice(0)) {
      if (this.stage.hubs.get(hub.hub.name) !== hub) continue
      if (this.chance.unit() > share) {
        work.say(deltaLine('and more, '))
        this.begun.push({ work, hub })
      } else hub.bench.finish(work, `attempt ${work.lease.attempt}`)
    }
    for (const network of this.stage.hubs.values()) {
      const { hub, bench } = network
      for (const { session, frame, body } of bench.take('task')) {
        const work = new Work(bench, session, frame, body!)
        work.started()
        work.say(deltaLine(`by ${hub.name}, `))
        this.begun.push({ work, hub: network })
      }
      const verdicts = bench.take('settled').flatMap(({ frame }) => frame.acks)
      for (const [task, , verdict] of verdicts) {
        if (verdict === 'committed') this.committed.set(task, (this.committed.get(task) ?? 0) + 1)
      }
      const name = `${hub.name}-${++this.joined}`
      bench.join(['m'], 4, { name, instance: name })
    }
  }
}
