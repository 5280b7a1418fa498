/**
 * Scouts that break rules. Each sends real frames through the real codec from a small state machine of its own, and
 * does some of this: late, doubled, forged and gapped answers, more credits than it has, stolen leases, two sessions
 * at once, junk. Where a stranger does answer, the answer is right: this tests the protocol, not the model.
 */
import { durationMsMax, fragmentBytes } from '../../../shared/limits/wire.ts'
import { decodeFromHub, encode } from '../../../shared/protocol/codec.ts'
import { Assembly } from '../../../shared/protocol/fragments.ts'
import {
  type FrameOf,
  type HubFrame,
  nonceBytes,
  protocolVersion,
  type ScoutFrame,
} from '../../../shared/protocol/frames.ts'
import { embeddingFor } from '../answers.ts'
import type { Checker } from '../checks/invariants.ts'
import type { Habit, Scenario } from '../scenario.ts'
import { honestAnswer } from '../trust/voices.ts'
import type { Process, World } from '../world.ts'
import type { Network } from './network.ts'

type Socket = ReturnType<Network['dial']>

const absurdNumbers = [Number.MAX_SAFE_INTEGER, 2 ** 63, 1e308, 4_294_967_296]

/** What a settlement says that says nothing. */
const nothing = {
  chunks: 0,
  fault: '',
  message: '',
  param: '',
  provider: 'strange',
  credits: 0,
  retryAfterMs: 0,
  size: 0,
  body: new Uint8Array(0),
}

interface Job {
  task: FrameOf<'task'>
  body: Uint8Array
  lines: string[]
  seq: number
  offset: number
  isOver: boolean
}

export class Stranger {
  private readonly process: Process
  private socket: Socket | null = null
  private isGreeted = false
  private isFrozen = false
  private readonly instance: string
  private readonly jobs = new Map<string, Job>()
  private readonly assemblies = new Map<string, { task: FrameOf<'task'>; assembly: Assembly }>()
  /** Settlements it has sent, for those who repeat themselves. */
  private readonly old: FrameOf<'settle'>[] = []
  private readonly concurrency: number

  constructor(
    world: World,
    private readonly network: Network,
    private readonly checker: Checker,
    private readonly scenario: Scenario,
    private readonly habits: ReadonlySet<Habit>,
    private readonly name: string,
  ) {
    this.process = world.process(`stranger ${name}`)
    this.instance = habits.has('twin') ? 'twin' : `${this.process.dice.next32()}`
    this.concurrency = this.process.dice.pick([1, 3])
    this.dial()
    this.misbehave()
  }

  private get ownName(): string {
    return this.habits.has('twin') ? 'twin' : this.name
  }

  leave(): void {
    this.socket?.cut()
    this.process.kill()
  }

  // ------------------------------------------------------------ a session

  private dial(): void {
    const { process } = this
    const socket = this.network.dial(
      { process, operator: 'strangers' },
      {
        opened: () => this.hello(),
        refused: () => this.lost(socket),
        closed: () => this.lost(socket),
        message: (bytes) => void (this.socket === socket && bytes !== null && this.hear(bytes)),
      },
    )
    this.socket = socket
  }

  private lost(socket: Socket): void {
    if (this.socket !== socket) return
    this.socket = null
    this.isGreeted = false
    this.process.after(this.process.dice.between(200, 8_000), () => this.dial())
  }

  private hello(): void {
    const { dice } = this.process
    const { models } = this.scenario
    const own = [...this.jobs.values()].map(({ task }) => task)
    const claims = this.habits.has('claimer') ? this.checker.loot : own
    const held = claims.slice(-20).map(({ task, attempt, nonce }): [number, number, Uint8Array] => {
      return [
        task,
        attempt,
        this.habits.has('forger') && dice.chance(0.3) ? this.process.randomBytes(nonceBytes) : nonce,
      ]
    })
    if (!this.habits.has('claimer')) this.jobs.clear()
    const offers: FrameOf<'hello'>['offers'] = models.map((model) => ['chat', model, 'strange', 0, 0, null, null, ''])
    if (dice.chance(0.2))
      offers.push(
        ['chat', 'auto', 'strange', 0, 0, null, null, ''],
        ['embed', 'vectors', 'strange', 0, 0, null, null, ''],
      )
    const { instance, concurrency } = this
    const name = this.ownName
    this.send({ type: 'hello', version: protocolVersion, name, instance, agent: '', concurrency, offers, held })
  }

  private hear(bytes: Uint8Array): void {
    if (this.isFrozen) return
    const frame = decodeFromHub(bytes)
    if (frame.type === 'malformed') return this.checker.fail(17, `the hub sent a malformed frame: ${frame.reason}`)
    this.take(frame)
  }

  private take(frame: HubFrame): void {
    switch (frame.type) {
      case 'welcome':
        this.isGreeted = true
        this.send({ type: 'credit', count: this.concurrency })
        // It invites and leaves in one breath.
        if (this.habits.has('restless') && this.process.dice.chance(0.3)) this.hangUp()
        return
      case 'ping':
        this.acknowledged(frame.acks)
        return this.send({ type: 'pong', ping: frame.ping, running: 0 })
      case 'task':
        return this.accept(frame)
      case 'fragment':
        return this.assemble(frame)
      case 'cancel':
        return this.cancelled(frame)
      case 'settled':
        return this.acknowledged(frame.acks)
    }
  }

  // ------------------------------------------------------------ work

  private acknowledged(acks: FrameOf<'settled'>['acks']): void {
    if (acks.length === 0) return
    for (const [task, attempt] of acks) this.jobs.delete(`${task}/${attempt}`)
    this.send({ type: 'credit', count: acks.length })
  }

  private accept(task: FrameOf<'task'>): void {
    this.acknowledged(task.acks)
    const kept = { ...task, nonce: Uint8Array.from(task.nonce) }
    if (task.body !== null) return this.begin(kept, Uint8Array.from(task.body))
    this.assemblies.set(`${task.task}/${task.attempt}`, { task: kept, assembly: new Assembly(task.size) })
  }

  private assemble({ task, attempt, index, bytes }: FrameOf<'fragment'>): void {
    const key = `${task}/${attempt}`
    const coming = this.assemblies.get(key)
    if (coming?.assembly.add(index, bytes) !== 'complete') return
    this.assemblies.delete(key)
    this.begin(coming.task, coming.assembly.body())
  }

  private begin(task: FrameOf<'task'>, body: Uint8Array): void {
    const lines = task.stream ? [...honestAnswer(body).lines] : []
    const job: Job = { task, body, lines, seq: 0, offset: 0, isOver: false }
    this.jobs.set(`${task.task}/${task.attempt}`, job)
    if (this.habits.has('mute')) return
    const { dice } = this.process
    if (this.habits.has('restless') && dice.chance(0.4)) return this.giveBackAndSpeak(job)
    this.process.after(dice.waitMs(300), () => {
      this.send({ type: 'started', task: task.task, attempt: task.attempt, provider: 'strange' })
      this.speak(job)
    })
  }

  private speak(job: Job): void {
    if (job.isOver || !this.process.alive) return
    const { dice } = this.process
    const line = job.lines.shift()
    if (line === undefined) return this.finish(job)
    this.chunk(job, line)
    if (this.habits.has('restless') && dice.chance(0.1)) return this.walkOut()
    this.process.after(dice.waitMs(this.habits.has('late') ? 20_000 : 200), () => this.speak(job))
  }

  /** Hands the attempt back and answers it all the same, in one breath; who leaves gaps breaks off. */
  private giveBackAndSpeak(job: Job): void {
    const { task, attempt, nonce } = job.task
    this.send({ type: 'settle', task, attempt, nonce, outcome: 'released', ...nothing, fault: 'scout_draining' })
    for (const line of job.lines.slice(0, -1)) this.chunk(job, line)
    job.isOver = true
    if (!this.habits.has('gapper')) return
    const body = Buffer.from('{"id":1}\n')
    this.send({ type: 'chunk', task, attempt, seq: job.seq + 1, offset: job.offset + 3, size: body.length, body })
  }

  private chunk(job: Job, line: string): void {
    const { dice } = this.process
    const { task, attempt } = job.task
    const isBad = this.habits.has('gapper') && dice.chance(0.15)
    const flaw = isBad ? dice.pick(['seq', 'offset', 'half', 'junk', 'lost']) : ''
    const text = flaw === 'half' ? line.slice(0, 20) : flaw === 'junk' ? '{"id":1}\n' : `${line}\n`
    const body = Buffer.from(text)
    const seq = job.seq + (flaw === 'seq' ? 1 : 0)
    const offset = job.offset + (flaw === 'offset' ? 3 : 0)
    job.seq++
    job.offset += body.length
    if (flaw !== 'lost') this.send({ type: 'chunk', task, attempt, seq, offset, size: body.length, body })
  }

  private finish(job: Job): void {
    const { dice } = this.process
    const { task: frame, body: request } = job
    const { task, attempt, nonce, stream, kind } = frame
    const known = honestAnswer(request)
    const right = kind === 'embed' ? embeddingFor(request) : stream ? known.tail : known.whole
    const isLiar = this.habits.has('liar') && dice.chance(0.5)
    const outcome = isLiar ? dice.pick(['failed', 'released', 'cancelled'] as const) : 'done'
    const body = Buffer.from(outcome === 'done' ? (kind === 'embed' ? right : this.counted(right)) : '')
    if (this.habits.has('halfway') && dice.chance(0.5)) return this.deliverHalf(job)
    const chunks = job.seq + (this.habits.has('gapper') && dice.chance(0.2) ? 1 : 0)
    const why = isLiar ? dice.pick(['scout_error', 'provider_rate_limited', 'no such code', 'invalid_request']) : ''
    const retryAfterMs = isLiar ? (this.habits.has('absurd') ? durationMsMax : dice.below(5_000)) : 0
    const told = { ...nothing, chunks, fault: why, retryAfterMs, size: body.length, body }
    const settle: FrameOf<'settle'> = { type: 'settle', task, attempt, nonce, outcome, ...told }
    if (body.length > 30_000) return
    job.isOver = true
    this.old.push(settle)
    if (this.old.length > 20) this.old.shift()
    this.process.after(this.habits.has('late') && dice.chance(0.5) ? 45_000 : 0, () => this.send(settle))
  }

  /** The same answer, with the largest numbers that a frame or JSON can hold. */
  private counted(answer: string): string {
    if (!this.habits.has('absurd')) return answer
    return answer.replace(/_tokens":\d+/g, () => `_tokens":${this.process.dice.pick(absurdNumbers)}`)
  }

  /** Announces a large chunk or answer and sends a part of it. */
  private deliverHalf({ task: { task, attempt, nonce }, seq, offset }: Job): void {
    const { dice } = this.process
    const half = { task, attempt, size: 90_000, body: null }
    if (dice.chance(0.5)) this.send({ type: 'chunk', seq, offset, ...half })
    else this.send({ type: 'settle', nonce, outcome: 'done', ...nothing, ...half })
    this.send({ type: 'fragment', task, attempt, index: 0, bytes: new Uint8Array(fragmentBytes) })
    if (dice.chance(0.3)) this.flap()
  }

  /** Names that nobody has heard before, beside those that it had. */
  private invent(): void {
    const { models } = this.scenario
    const { dice } = this.process
    const fresh = Array.from({ length: 8 }, () => `name-${dice.next32()}`)
    // Names that mean the hub itself.
    if (dice.chance(0.1)) fresh.push(dice.pick(['auto', 'chasm/best']))
    const offers = [...models, ...fresh].map((model): FrameOf<'offers'>['offers'][number] => {
      return ['chat', model, 'strange', 0, 0, null, null, '']
    })
    this.send({ type: 'offers', concurrency: this.concurrency, offers })
  }

  private cancelled({ task, attempt }: FrameOf<'cancel'>): void {
    if (this.habits.has('deaf')) return
    const job = this.jobs.get(`${task}/${attempt}`)
    const nonce = job?.task.nonce ?? new Uint8Array(nonceBytes)
    if (job !== undefined) job.isOver = true
    this.jobs.delete(`${task}/${attempt}`)
    this.send({ type: 'settle', task, attempt, nonce, outcome: 'cancelled', ...nothing, fault: 'cancelled' })
  }

  // ------------------------------------------------------------ violations

  /** Now and then something that no honest scout does. */
  private misbehave(): void {
    const { dice } = this.process
    this.process.after(dice.waitMs(4_000), () => {
      this.misbehave()
      if (!this.isGreeted) return
      if (this.habits.has('flapper') && dice.chance(0.4)) this.flap()
      if (this.habits.has('greedy')) this.send({ type: 'credit', count: dice.between(1, 9) })
      if (this.habits.has('doubled') && this.old.length > 0) this.send(dice.pick(this.old))
      if (this.habits.has('forger')) this.forge()
      if (this.habits.has('thief')) this.steal()
      if (this.habits.has('inventor')) this.invent()
      if (this.habits.has('junk')) this.junk()
      if (this.habits.has('frozen') && dice.chance(0.1)) this.freeze()
    })
  }

  private flap(): void {
    const { socket } = this
    if (socket === null) return
    if (this.process.dice.chance(0.5)) socket.cut()
    else this.hangUp()
  }

  /** Says that it leaves, and does so in the middle of its work. */
  private walkOut(): void {
    this.send({ type: 'drain', reason: 'bye' })
    this.hangUp()
  }

  private hangUp(): void {
    const { socket } = this
    if (socket === null) return
    socket.close(4420, 'bye')
    this.lost(socket)
  }

  /** Settles its own leases with a wrong triple. */
  private forge(): void {
    const { dice } = this.process
    const job = [...this.jobs.values()].at(-1)
    if (job === undefined) return
    const { task, attempt } = job.task
    const nonce = Uint8Array.from(job.task.nonce)
    const bend = dice.below(3)
    if (bend === 0) nonce[dice.below(nonceBytes)]! ^= 1
    this.claim(bend === 1 ? task + 1 : task, bend === 2 ? attempt + 1 : attempt, nonce)
  }

  /** Settles what others hold, with the very nonce that they were given. */
  private steal(): void {
    const { loot } = this.checker
    if (loot.length === 0) return
    const { task, attempt, nonce, scout } = loot[loot.length - 1 - this.process.dice.below(Math.min(6, loot.length))]!
    if (scout.endsWith(`/${this.ownName}`)) return
    if (this.process.dice.chance(0.3)) {
      const body = Buffer.from('{"choices":[{"index":0,"delta":{"content":"forged"}}]}\n')
      this.send({ type: 'chunk', task, attempt, seq: 0, offset: 0, size: body.length, body })
    }
    this.claim(task, attempt, nonce)
  }

  private claim(task: number, attempt: number, nonce: Uint8Array): void {
    const forged = { index: 0, message: { role: 'assistant', content: 'forged' }, finish_reason: 'stop' }
    const body = Buffer.from(JSON.stringify({ choices: [forged] }))
    const rest = { ...nothing, size: body.length, body }
    const outcome = this.process.dice.pick(['done', 'done', 'failed', 'released'] as const)
    this.send({ type: 'settle', task, attempt, nonce, outcome, ...rest })
  }

  private junk(): void {
    const { dice } = this.process
    const kind = dice.below(12)
    if (kind === 0) this.socket?.send(this.process.randomBytes(dice.between(1, 40)))
    else if (kind === 1) this.socket?.send('hello')
    else if (kind === 2) this.hello()
    else if (kind < 7) this.send({ type: 'pong', ping: dice.below(1_000), running: 3 })
    else if (kind < 10) this.send({ type: 'started', task: dice.below(1_000), attempt: 1, provider: 'x' })
    else this.send({ type: 'fragment', task: 1, attempt: 1, index: dice.below(3), bytes: this.process.randomBytes(9) })
  }

  /** Sends and reads nothing for longer than any timeout, then goes on. */
  private freeze(): void {
    this.isFrozen = true
    this.process.after(40_000, () => {
      this.isFrozen = false
      for (const settle of this.old.slice(-3)) this.send(settle)
      for (const job of this.jobs.values()) this.finish(job)
    })
  }

  private send(frame: ScoutFrame): void {
    if (this.isFrozen || this.socket === null || (!this.isGreeted && frame.type !== 'hello')) return
    const bytes = encode(frame as never)
    this.socket.send(bytes)
    if (this.habits.has('doubled') && frame.type !== 'hello' && this.process.dice.chance(0.2)) this.socket.send(bytes)
  }
}
