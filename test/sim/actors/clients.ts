/**
 * Clients of chats: each sends a request, reads the answer at its own pace (at once, slowly, not at all), sometimes
 * leaves in the middle, thinks, and sends the next. The log of what each has read is compared with the one right answer
 * line by line, so that a retry, a hedge or a move to another scout that shows is found.
 */
import type { Answer, AnswerPart, Submission } from '../../../orchestrator/engine/ports/client.ts'
import { clientStallMs, streamBufferBytes, streamOverrunBytes } from '../../../shared/limits/http.ts'
import { frameBytesMax } from '../../../shared/limits/wire.ts'
import { embeddingFor, uncounted } from '../answers.ts'
import type { Checker } from '../checks/invariants.ts'
import { payerOf, type Tenant } from '../payers.ts'
import type { Scenario } from '../scenario.ts'
import type { TrustLife } from '../trust/trust-life.ts'
import { proseRequest } from '../trust/voices.ts'
import type { Process, World } from '../world.ts'
import type { Front, SimHub } from './front.ts'

interface Reading {
  answer: Answer
  submission: Submission
  task: number
  /** Where it was asked. */
  front: Front
  generation: number
  /** Mean milliseconds between the news and the look at it; Infinity for a client that never looks. */
  delayMs: number
  lines: string[]
  isOver: boolean
}

export class ChatUser {
  private readonly process: Process
  private isLeaving = false
  private reading: Reading | null = null

  constructor(
    private readonly world: World,
    private readonly hub: SimHub,
    private readonly checker: Checker,
    private readonly scenario: Scenario,
    private readonly name: string,
  ) {
    this.process = world.process(`user ${name}`)
    this.think()
  }

  /** Finishes what it reads and asks nothing more. */
  leave(): void {
    this.isLeaving = true
    const { reading } = this
    if (reading !== null && reading.delayMs > 1_000) reading.delayMs = 0
  }

  /** The task whose answer it waits for. */
  get waitsFor(): number | null {
    return this.reading?.task ?? null
  }

  private think(): void {
    this.reading = null
    this.process.after(this.process.dice.waitMs(this.scenario.thinkMs), () => {
      if (this.isLeaving) return
      const front = this.hub.front()
      if (front?.frozenForMs === 0) this.ask(front)
      else this.think()
    })
  }

  private ask(front: Front): void {
    const { process } = this
    const { dice } = process
    const delayMs = dice.pick([0, 0, 5, 3_000, Number.POSITIVE_INFINITY])
    const submission = this.submission(delayMs >= 3_000)
    const answer = front.ask(() => front.submit(submission))
    if (answer === null) return this.think()
    const task = Number.parseInt(answer.id.slice(answer.id.indexOf('-') + 1), 36)
    const { generation } = front
    const reading = { answer, submission, task, front, generation, delayMs, lines: [], isOver: false }
    this.reading = reading
    const { model, kind, stream, deadlineMs, routing } = submission
    this.world.trace.print?.(
      `${this.name} asks ${task} ${JSON.stringify({ model, kind, stream, deadlineMs, delayMs, routing })}`,
    )
    const lost = () => this.lose(reading)
    front.mourners.add(lost)
    this.await(reading)
    if (dice.chance(0.15)) process.after(dice.waitMs(4_000), () => this.abandon(reading))
    if (delayMs === Number.POSITIVE_INFINITY) process.after(clientStallMs, () => this.abandon(reading))
  }

  private submission(isSlow: boolean): Submission {
    const { dice } = this.process
    const { models, long } = this.scenario
    const size = dice.pick([
      [0, 1],
      [2, 8],
      [5, 8],
      [12, 8],
      [3, 8],
      [7, 8],
    ] as [number, number][])
    const large: [number, number] = dice.chance(isSlow ? 0.3 : 0.1) ? [60, 15_000] : [3, 18_000]
    const want = dice.chance(long.share) ? (long.want ?? large) : size
    const padding = dice.chance(0.02) ? 'p'.repeat(40_000) : ''
    const messages = [{ role: 'user', content: `${this.name} ${this.world.seed} ${dice.next32()}${padding}` }]
    const kind = dice.chance(0.1) ? 'embed' : 'chat'
    const isKnown = dice.chance(0.97)
    const model = kind === 'embed' ? 'vectors' : isKnown ? dice.pick([...models, 'auto']) : 'nobody-has-it'
    const stream = kind === 'chat' && dice.chance(0.7)
    const hedgeAfterMs = dice.pick([null, null, 0, 200, 2_000])
    const continues = stream && dice.chance(0.3)
    const tenant = dice.pick<Tenant>(['t1', 't1', 't2', 't3'])
    const plain: Submission = {
      tenant,
      key: payerOf(tenant, want[0], this.world.nowMs),
      weight: dice.pick([1, 1, 2]),
      kind,
      model,
      stream,
      body: Buffer.from(JSON.stringify({ messages, want })),
      deadlineMs: dice.pick([10_000, 60_000, 300_000]),
      routing: { hedgeAfterMs, continues, attemptsMax: dice.pick([1, 3, 9]) },
    }
    return this.scenario.trust === null || kind === 'embed' ? plain : this.prose(plain, this.scenario.trust)
  }

  /** Where answers are looked at, most ask for prose; nobody goes on where a scout that says something else stopped. */
  private prose(plain: Submission, { cheatsModel }: TrustLife): Submission {
    const { dice } = this.process
    const { stream, routing } = plain
    const model = dice.chance(0.1) ? cheatsModel : plain.model
    const body = dice.chance(0.9) ? proseRequest(model, stream, `${this.name} ${dice.next32()}`) : plain.body
    return { ...plain, model, body, routing: { ...routing, continues: false } }
  }

  private await(reading: Reading): void {
    if (reading.delayMs === Number.POSITIVE_INFINITY) return
    // As the edge does: not in the middle of what brings it.
    void new Promise<void>((resolve) => reading.answer.onReadable(resolve)).then(() => {
      if (!isOpen(reading)) return
      const { dice } = this.process
      const waitMs = reading.delayMs === 0 ? 0 : dice.waitMs(reading.delayMs)
      this.process.after(waitMs, () => this.look(reading))
    })
  }

  private look(reading: Reading): void {
    if (!isOpen(reading)) return
    const { frozenForMs } = reading.front
    if (frozenForMs > 0) return void this.process.after(frozenForMs, () => this.look(reading))
    const part = reading.front.ask(() => reading.answer.take())
    if (!reading.front.up) return
    if (part === null) return this.checker.fail(7, `task ${reading.task} promised news and had none`)
    this.check(reading, part)
    if (part.end === null) return this.await(reading)
    if (reading.answer.take() !== null) this.checker.fail(7, `task ${reading.task} went on after its end`)
    this.end(reading)
  }

  private check(reading: Reading, { lines, end }: AnswerPart): void {
    const { checker } = this
    const { task, submission } = reading
    let bytes = 0
    for (const line of lines) {
      bytes += line.length
      reading.lines.push(Buffer.from(line).toString('utf8'))
    }
    const isWithin = bytes <= streamBufferBytes + streamOverrunBytes + 2 * frameBytesMax
    if (!isWithin) checker.fail(10, `task ${task} had ${bytes} bytes waiting for its reader`)
    const { lines: right, tail, whole, text } = checker.trust.answerOf(reading.answer.served, submission.body)
    const isWhole = reading.lines.length > 0 && finishes(reading.lines.at(-1)!)
    if (isWhole || end?.type === 'done') {
      if (checker.ledger.task(task).done === null) checker.fail(6, `task ${task} showed its end before the commit`)
    }
    if (submission.routing?.continues) this.checkText(reading, text, end?.type === 'done')
    else {
      const isPrefix = reading.lines.every((line, at) => line === right[at])
      if (!isPrefix)
        checker.fail(6, `task ${task} showed what is not its answer: ${reading.lines.join(' ').slice(0, 300)}`)
    }
    if (end === null) return
    if (end.type === 'failed') {
      if (end.fault.code === 'internal_error') checker.fail(16, `task ${task}: ${end.fault.message}`)
      if (isWhole) checker.fail(6, `task ${task} showed a clean end and failed`)
      const { queueTimeoutMs } = this.scenario.settings
      const isUnseen = !reading.lines.some(contentOf)
      if (isUnseen) checker.clientVerdicts.failed(task, end.fault.code, this.world.nowMs, queueTimeoutMs!)
      return
    }
    const body = Buffer.from(end.body).toString('utf8')
    if (!submission.stream) {
      const expected = submission.kind === 'embed' ? embeddingFor(submission.body) : whole
      if (uncounted(body) !== uncounted(expected))
        checker.fail(6, `task ${task} was answered wrongly: ${body.slice(0, 200)}`)
    } else if (!submission.routing?.continues) {
      if (reading.lines.length !== right.length) checker.fail(6, `task ${task} is done without all of its lines`)
      if (uncounted(body) !== uncounted(tail)) checker.fail(6, `task ${task} ended with ${body.slice(0, 200)}`)
    }
  }

  /** Moved to another scout the cuts between lines differ, the text must not. */
  private checkText({ task, lines }: Reading, text: string, isDone: boolean): void {
    const said = lines.map(contentOf).join('')
    const isRight = isDone ? said === text : text.startsWith(said)
    if (!isRight) this.checker.fail(6, `task ${task} was continued with a hole or an overlap`)
  }

  private abandon(reading: Reading): void {
    if (!isOpen(reading)) return
    const { frozenForMs } = reading.front
    if (frozenForMs > 0) return void this.process.after(frozenForMs, () => this.abandon(reading))
    // What has not been read yet is checked as well.
    const part = reading.delayMs === Number.POSITIVE_INFINITY ? reading.front.ask(() => reading.answer.take()) : null
    if (part !== null) this.check(reading, part)
    reading.front.ask(() => reading.answer.abandon())
    this.lose(reading)
    // The tick of the same turn stands before it, and may still give the task out.
    this.process.after(0, () => {
      if (reading.front.isSound) reading.front.over(reading.task)
    })
  }

  private end(reading: Reading): void {
    reading.front.over(reading.task)
    this.lose(reading)
  }

  /** Over for the client, in whatever way. */
  private lose(reading: Reading): void {
    if (reading.isOver) return
    reading.isOver = true
    if (this.reading === reading) this.think()
  }
}

/** Neither over, nor lost with the process where it was asked. */
function isOpen({ isOver, front, generation }: Reading): boolean {
  return !isOver && front.up && generation === front.generation
}

interface Line {
  choices: { delta: { content?: string }; finish_reason: string | null }[]
}

function contentOf(line: string): string {
  return (JSON.parse(line) as Line).choices[0]!.delta.content ?? ''
}

function finishes(line: string): boolean {
  return line.includes('"finish_reason":"stop"')
}
