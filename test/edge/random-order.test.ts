/**
 * Hundreds of seeded lives of a hub of several edges: links deliver when chance has it, each in its own order; scouts
 * come, answer, leave and come back at another edge with what they hold; edges die, and brains. Whatever happens, a
 * client sees the beginning of one answer and never any of it twice, honest scouts are not closed, no more is set aside
 * for a key than its budget, and in the end every answer has one, nothing is set aside and no number was given twice.
 */
import { expect, test } from 'vitest'
import { Random } from '../../orchestrator/core/model/random.ts'
import { type ChargedKey, unlimitedKey } from '../../orchestrator/engine/ports/charged-key.ts'
import type { Answer } from '../../orchestrator/engine/ports/client.ts'
import { type KeyLimits, noLimits } from '../../shared/keys/key-terms.ts'
import { goneHoldMs } from '../../shared/limits/process.ts'
import type { FrameOf } from '../../shared/protocol/frames.ts'
import { offerOf } from '../../shared/task.ts'
import { type EdgeSeat, EdgesBench } from '../support/edges/edge-bench.ts'
import { bytesOf, deltaLine, finishLine, tail, textOf } from '../support/hub/engine-bench.ts'

const seeds = 120
const steps = 400
const pieces = 6
const concurrency = 3
const wholeText = Array.from({ length: pieces }, (_, at) => `${at} `).join('')

/** Each request sets a bit more than 100 tokens aside. */
const budgetTokens = 350
const limits: KeyLimits = { ...noLimits, budgets: [{ unit: 'tokens', per: 'day', amount: budgetTokens }] }
const key: ChargedKey = { ...unlimitedKey('tenant'), limits }

const offer = offerOf({ kind: 'chat', model: 'm', provider: 'provider' })

/** An attempt at its scout: the answer is the numbers in order, or the rest of them after a prefix. */
interface Job {
  task: number
  attempt: number
  nonce: Uint8Array
  lines: string[]
  said: number
  isSettled: boolean
}

class PlayedScout {
  seat: EdgeSeat | null = null
  session = 0
  jobs: Job[] = []
  /** All that it ever had. */
  readonly sessions: number[] = []
  private isWelcome = false

  constructor(
    private readonly chance: Random,
    readonly name: string,
  ) {}

  dial(seat: EdgeSeat): void {
    this.seat = seat
    this.isWelcome = false
    const held = this.jobs.map(({ task, attempt, nonce }): [number, number, Uint8Array] => [task, attempt, nonce])
    this.session = seat.join(['m'], 0, { name: this.name, instance: this.name, concurrency, held })
    this.sessions.push(this.session)
  }

  leave(): void {
    this.seat?.desks.scoutEvents.gone(this.session)
    this.seat = null
  }

  /** Reads what its edge has sent it, and does one thing more. */
  act(): void {
    const { seat } = this
    if (seat === null) return
    for (const one of seat.sent.filter(({ session }) => session === this.session)) {
      seat.sent.splice(seat.sent.indexOf(one), 1)
      if (one.frame.type === 'welcome') this.welcomed(one.frame)
      else if (!this.isWelcome) throw new Error(`${one.frame.type} came before the welcome`)
      else if (one.frame.type === 'task') this.take(one.frame, one.body!)
      else if (one.frame.type === 'cancel') this.drop(one.frame.task, one.frame.attempt)
      else if (one.frame.type === 'settled') for (const [task, attempt] of one.frame.acks) this.drop(task, attempt)
    }
    const job = this.jobs[this.chance.below(this.jobs.length + 1)]
    if (this.isWelcome && job !== undefined) this.goOn(job)
  }

  private welcomed({ held }: FrameOf<'welcome'>): void {
    for (const [task, attempt, verdict, nextChunk] of held) {
      const job = this.jobs.find((one) => one.task === task && one.attempt === attempt)!
      if (verdict !== 'resumed') this.drop(task, attempt)
      else Object.assign(job, { said: nextChunk, isSettled: false })
    }
    this.isWelcome = true
    this.seat!.desks.scoutEvents.credit(this.session, concurrency - this.jobs.length)
  }

  private take({ task, attempt, nonce }: FrameOf<'task'>, body: Uint8Array): void {
    const { messages } = JSON.parse(Buffer.from(body).toString()) as { messages: { content: string }[] }
    const prefix = messages[0]?.content ?? ''
    const texts = wholeText.slice(prefix.length).match(/\d /g) ?? []
    const lines = [...texts.map((text) => deltaLine(text)), finishLine]
    this.jobs.push({ task, attempt, nonce: new Uint8Array(nonce), lines, said: 0, isSettled: false })
  }

  private drop(task: number, attempt: number): void {
    const job = this.jobs.find((one) => one.task === task && one.attempt === attempt)
    if (job === undefined) return
    this.jobs.splice(this.jobs.indexOf(job), 1)
    // Its place is free again; a settlement has given its credit along.
    if (!job.isSettled && this.isWelcome) this.seat!.desks.scoutEvents.credit(this.session, 1)
  }

  private goOn(job: Job): void {
    const { task, attempt, nonce, lines } = job
    const { scoutEvents } = this.seat!.desks
    if (job.isSettled) return
    if (job.said < lines.length) {
      const offset = lines.slice(0, job.said).reduce((sum, line) => sum + line.length + 1, 0)
      const head = { task, attempt, seq: job.said, offset }
      return scoutEvents.chunk(this.session, head, bytesOf(`${lines[job.said++]}\n`))
    }
    job.isSettled = true
    const told = { provider: '', fault: '', message: '', param: '', retryAfterMs: 0 }
    const settlement = { task, attempt, nonce, outcome: 'done' as const, chunks: lines.length, credits: 1, ...told }
    scoutEvents.settle(this.session, settlement, bytesOf(tail))
    if (this.chance.below(4) === 0) scoutEvents.offers(this.session, concurrency, [offer])
  }
}

class Reader {
  text = ''
  end: string | null = null

  constructor(
    readonly answer: Answer,
    readonly seat: EdgeSeat,
  ) {}

  read(): void {
    const part = this.answer.take()
    if (part === null) return
    for (const line of textOf(part.lines)) {
      const { choices } = JSON.parse(line) as { choices: { delta: { content?: string } }[] }
      this.text += choices[0]!.delta.content ?? ''
    }
    const { end } = part
    if (end !== null) this.end = end.type === 'failed' && end.fault.code === 'budget_exceeded' ? 'refused' : end.type
    if (!wholeText.startsWith(this.text)) throw new Error(`a client got ${JSON.stringify(this.text)}`)
    if (this.end === 'done' && this.text !== wholeText) throw new Error(`done after ${JSON.stringify(this.text)}`)
  }
}

class Life {
  private readonly chance: Random
  private readonly bench = new EdgesBench(3)
  private readonly scouts: PlayedScout[]
  readonly readers: Reader[] = []
  brainsKilled = 0
  private isBrainAway = false
  /** Edges that start with the next brain. */
  private edgesMissing = 0

  constructor(seed: number) {
    this.chance = new Random(seed * 7919)
    this.scouts = Array.from({ length: 4 }, (_, at) => new PlayedScout(this.chance, `scout-${at}`))
  }

  private seat(): EdgeSeat {
    const { seats } = this.bench
    return seats[this.chance.below(seats.length)]!
  }

  live(): void {
    for (const scout of this.scouts) scout.dial(this.seat())
    for (let step = 0; step < steps; step++) {
      this.step()
      this.look()
    }
    this.rest()
  }

  private step(): void {
    const { bench, chance } = this
    const scout = this.scouts[chance.below(this.scouts.length)]!
    const die = chance.below(200)
    if (die < 90) {
      const ways = bench.ways()
      ways[chance.below(ways.length)]!.deliver(1 + chance.below(3))
    } else if (die < 110) bench.decide()
    else if (die < 165) scout.act()
    else if (die < 180 && this.readers.length < 30) this.ask()
    else if (die < 181) this.leaveOne()
    else if (die < 190) bench.system.pass(chance.below(40))
    else if (die < 195) scout.leave()
    else if (die < 199 && scout.seat === null) scout.dial(this.seat())
    else if (die === 199) this.killSomething()
    if (this.isBrainAway && chance.below(40) === 0) this.nextBrain()
  }

  private killSomething(): void {
    const die = this.chance.below(4)
    if (die === 0 && this.bench.seats.length > 1) this.killEdge()
    if (die !== 1 || this.isBrainAway) return
    this.isBrainAway = true
    this.brainsKilled++
    this.bench.killBrain()
  }

  private nextBrain(): void {
    this.isBrainAway = false
    this.bench.nextBrain()
    for (; this.edgesMissing > 0; this.edgesMissing--) this.bench.addSeat()
  }

  private ask(): void {
    const seat = this.seat()
    const body = bytesOf('{"messages":[],"max_tokens":100}')
    const routing = { continues: this.chance.below(2) === 0, hedgeAfterMs: this.chance.below(3) === 0 ? 30 : 0 }
    const payer = this.chance.below(3) === 0 ? {} : { key }
    this.readers.push(new Reader(seat.ask({ body, routing, ...payer }), seat))
  }

  private leaveOne(): void {
    const reader = this.readers.findLast(({ end }) => end === null)
    if (reader === undefined) return
    reader.answer.abandon()
    reader.end = 'left'
  }

  private killEdge(seat = this.seat()): void {
    this.bench.kill(seat)
    for (const scout of this.scouts) if (scout.seat === seat) scout.seat = null
    // Its clients are gone with it.
    for (const reader of this.readers) if (reader.seat === seat) reader.end ??= 'lost'
    if (this.isBrainAway) this.edgesMissing++
    else this.bench.addSeat()
  }

  /** What is set aside for the limited key, which is never more than its budget. */
  private reserved(): number {
    const { system, engine } = this.bench
    const [standing] = engine.tenants.budgets(key, { wallMs: system.wallMs(), nowMs: system.nowMs() })
    return standing!.reserved
  }

  private look(): void {
    if (this.reserved() > budgetTokens) throw new Error(`${this.reserved()} tokens are set aside`)
    for (const reader of this.readers) if (reader.end === null) reader.read()
    // It ends, as its process would.
    for (const seat of [...this.bench.seats]) if (seat.turnedAway !== null) this.killEdge(seat)
    for (const { closed } of this.bench.seats) {
      const flaw = closed.find(({ why }) => why !== 'superseded')
      if (flaw !== undefined) throw new Error(`an honest scout was closed: ${flaw.why}`)
    }
  }

  /** Everything arrives, scouts are there and work, until every answer has an end. */
  private rest(): void {
    const { bench, scouts } = this
    if (this.isBrainAway) this.nextBrain()
    for (let round = 0; round < 400 && this.readers.some(({ end }) => end === null); round++) {
      for (const scout of scouts) if (scout.seat === null) scout.dial(this.seat())
      for (let act = 0; act < 20; act++) for (const scout of scouts) scout.act()
      bench.settle()
      bench.system.pass(goneHoldMs + 200)
      bench.settle()
      this.look()
    }
    const open = this.readers.filter(({ end }) => end === null)
    if (open.length > 0) throw new Error(`${open.length} answers have no end`)
    bench.settle()
    const sessions = scouts.flatMap((scout) => scout.sessions)
    const answers = this.readers.map(({ answer }) => answer.id)
    for (const given of [sessions.map(String), answers]) {
      if (new Set(given).size < given.length) throw new Error('a number was given twice')
    }
    if (this.reserved() > 0) throw new Error(`${this.reserved()} tokens are set aside for nothing`)
  }
}

test(`${seeds} lives in which links keep no order but their own`, () => {
  const ends: Record<string, number> = {}
  let brainsKilled = 0
  for (let seed = 1; seed <= seeds; seed++) {
    const life = new Life(seed)
    try {
      life.live()
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).stack}`)
    }
    brainsKilled += life.brainsKilled
    for (const { end } of life.readers) ends[end!] = (ends[end!] ?? 0) + 1
  }
  // Most are answered; some are lost with their scout or their edge, as they have to be.
  expect(ends.done).toBeGreaterThan(ends.failed ?? 0)
  expect(ends.failed).toBeGreaterThan(0)
  expect(ends.lost).toBeGreaterThan(0)
  expect(ends.left).toBeGreaterThan(0)
  expect(ends.refused).toBeGreaterThan(0)
  expect(brainsKilled).toBeGreaterThan(seeds / 5)
})
