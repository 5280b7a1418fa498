/**
 * Whether a scout can tell an audit from a task: a hub with its trust desk gives out ten thousand of each, and all that
 * a scout sees of them is compared: the fields of the frame, the form of the request, and when it comes. The words of a
 * question are its own, as each client's are.
 */
import { beforeAll, describe, expect, test } from 'vitest'
import { Random } from '../../orchestrator/core/model/random.ts'
import { HubEngine } from '../../orchestrator/engine/engine.ts'
import type { Submission } from '../../orchestrator/engine/ports/client.ts'
import type { EngineDefect } from '../../orchestrator/engine/ports/defect.ts'
import { auditTenant } from '../../orchestrator/engine/ports/trust/witness.ts'
import { FrameLinks } from '../../orchestrator/gateway/frame-links.ts'
import { helloOf } from '../../orchestrator/gateway/session.ts'
import { memoryStore } from '../../orchestrator/store/memory/store.ts'
import { defaultTrustSettings } from '../../orchestrator/trust/desk/parts.ts'
import { TrustDesk } from '../../orchestrator/trust/trust-desk.ts'
import { type FrameOf, protocolVersion } from '../../shared/protocol/frames.ts'
import { ManualSystem } from '../support/clocks/manual-system.ts'

const wanted = 10_000
const scouts = 12
const minuteMs = 60_000
const answerMs = 100
const random = new Random(13)

class RandomSystem extends ManualSystem {
  override randomBytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => random.next32() & 255)
  }
}

/** What one scout saw of one task. */
interface Seen {
  fields: Record<string, unknown>
  request: Record<string, unknown>
  session: number
  gapMs: number
  secondOfMinute: number
}

const bytes = (fields: unknown) => Buffer.from(JSON.stringify(fields))

class Hub {
  readonly tasks: Seen[] = []
  readonly audits: Seen[] = []
  private readonly system = new RandomSystem()
  private readonly ofAudits = new Set<number>()
  private readonly lastMs = new Map<number, number>()
  private readonly engine: HubEngine
  private readonly desk: TrustDesk

  constructor() {
    const store = memoryStore()
    const { system } = this
    const links = new FrameLinks(
      (session, frame, body) => frame.type === 'task' && this.received(session, frame, body!),
      () => {},
    )
    const onDefect = ({ cause }: EngineDefect) => {
      throw cause
    }
    this.engine = new HubEngine({ store, system, links, onDefect, epoch: 2, seed: 1, settings: { bootGraceMs: 0 } })
    this.engine.start()
    for (let at = 1; at <= scouts; at++) this.join(at)
    const submit = (submission: Submission) => this.submit(submission)
    const { engine } = this
    const asked = Object.assign(Object.create(engine) as HubEngine, { submit })
    const keep = (_write: unknown, then?: () => void) => then?.()
    const settings = { ...defaultTrustSettings, auditsPerDayMin: Number.POSITIVE_INFINITY }
    this.desk = new TrustDesk({ system, engine: asked, store, keep, settings })
    engine.watchedBy(this.desk)
    this.desk.start()
  }

  private join(session: number): void {
    const offers: FrameOf<'hello'>['offers'] = [['chat', 'm', 'provider', 0, 0, null, null, '', 4_194_304]]
    const who = { name: 's', instance: `i${session}`, agent: 'test', concurrency: 8, held: [] }
    const hello = helloOf({ type: 'hello', version: protocolVersion, ...who, offers })
    this.engine.scoutEvents.joined({ session, operator: `key_${session}`, address: '::1', hello })
    this.engine.scoutEvents.credit(session, 8)
    this.engine.flush()
  }

  private submit(submission: Submission) {
    const answer = this.engine.submit(submission)
    if (submission.tenant === auditTenant) this.ofAudits.add(Number.parseInt(answer.id.slice('chatcmpl-'.length), 36))
    this.engine.flush()
    return answer
  }

  private received(session: number, frame: FrameOf<'task'>, body: Uint8Array): void {
    const { task, nonce, body: _inline, ...fields } = frame
    const nowMs = this.system.nowMs()
    const seen: Seen = {
      fields: { ...fields, nonceBytes: nonce.length, size: typeof fields.size },
      request: JSON.parse(Buffer.from(body).toString('utf8')) as Record<string, unknown>,
      session,
      gapMs: nowMs - (this.lastMs.get(session) ?? nowMs),
      secondOfMinute: (nowMs % minuteMs) / 1_000,
    }
    this.lastMs.set(session, nowMs)
    // All are equally fast: placement prefers the fastest for clients, which questions to one scout cannot follow.
    this.system.after(answerMs, () => this.answer(session, frame, seen))
    // Known as an audit only once its answer has an id, which is before this turn is over.
    // A further attempt tells by its number that a client waits for it.
    if (frame.attempt > 1) return
    queueMicrotask(() => (this.ofAudits.has(task) ? this.audits : this.tasks).push(seen))
  }

  private answer(session: number, { task, attempt, nonce, stream }: FrameOf<'task'>, { request }: Seen): void {
    const [turn] = request.messages as { content: string }[]
    const content = `${turn!.content} is what I was asked, and this is all that I have to say.`
    const head = { task, attempt, nonce, outcome: 'done' as const, provider: 'provider', credits: 1 }
    const none = { fault: '', message: '', param: '', retryAfterMs: 0 }
    const { scoutEvents } = this.engine
    if (stream) {
      const line = bytes({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })
      const end = bytes({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
      scoutEvents.chunk(session, { task, attempt, seq: 0, offset: 0 }, Buffer.from(`${line}\n${end}\n`))
      scoutEvents.settle(session, { ...head, ...none, chunks: 1 }, Buffer.from('{"choices":[]}'))
    } else {
      const whole = bytes({ choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }] })
      scoutEvents.settle(session, { ...head, ...none, chunks: 0 }, whole)
    }
    this.engine.flush()
  }

  /** Clients of several looks ask until there are enough of both kinds. */
  async live(): Promise<void> {
    const looks = [{ stream: true }, { stream: true, temperature: 0.7 }, { temperature: 0.2, stream: false }, {}]
    const warmMs = this.system.nowMs() + 180 * minuteMs
    for (let asked = 0; this.audits.length < wanted || this.tasks.length < wanted; asked++) {
      // Audits begin minutes later than tasks: before there are as many as there will be, times between them differ.
      if (this.system.nowMs() < warmMs) this.audits.length = this.tasks.length = 0
      const look = looks[random.below(looks.length)]!
      const content = `What about number ${random.below(1_000_000)} of the great many?`
      const body = bytes({ model: 'm', messages: [{ role: 'user', content }], ...look })
      const stream = 'stream' in look && look.stream
      const answer = this.submit({ tenant: `t${asked % 7}`, kind: 'chat', model: 'm', stream, body })
      const read = () => {
        for (let part = answer.take(); part !== null; part = answer.take()) if (part.end !== null) return
        answer.onReadable(() => queueMicrotask(read))
      }
      read()
      this.system.pass(-Math.log1p(-random.unit()) * 1_500)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

let hub: Hub
beforeAll(async () => {
  hub = new Hub()
  await hub.live()
}, 600_000)

/** Counts of each value. */
function countsOf(seen: readonly Seen[], value: (one: Seen) => unknown): Map<string, number> {
  const counts = new Map<string, number>()
  for (const one of seen) {
    const name = JSON.stringify(value(one))
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}

/** Whether two sets of counts are those of one distribution: chi-squared of two samples, at one in ten thousand. */
function isOneDistribution(one: Map<string, number>, other: Map<string, number>): boolean {
  const names = new Set([...one.keys(), ...other.keys()])
  const total = (counts: Map<string, number>) => [...counts.values()].reduce((sum, count) => sum + count, 0)
  const [all, others] = [total(one), total(other)]
  let sum = 0
  for (const name of names) {
    const [a, b] = [one.get(name) ?? 0, other.get(name) ?? 0]
    sum += (a * Math.sqrt(others / all) - b * Math.sqrt(all / others)) ** 2 / (a + b)
  }
  const freedom = names.size - 1
  // Wilson and Hilferty's approximation of the quantile; 3.72 deviations are one in ten thousand.
  return sum <= freedom * (1 - 2 / (9 * freedom) + 3.72 * Math.sqrt(2 / (9 * freedom))) ** 3
}

/** The largest distance of two cumulative distributions, in units of what chance makes in one of ten thousand. */
function distance(one: readonly number[], other: readonly number[]): number {
  const [a, b] = [[...one].sort((x, y) => x - y), [...other].sort((x, y) => x - y)]
  let [at, to, most] = [0, 0, 0]
  while (at < a.length && to < b.length) {
    if (a[at]! <= b[to]!) at++
    else to++
    most = Math.max(most, Math.abs(at / a.length - to / b.length))
  }
  return most / (2.23 * Math.sqrt((a.length + b.length) / (a.length * b.length)))
}

describe('ten thousand audits among tasks', () => {
  test('have the fields of tasks, with their values', () => {
    expect(
      countsOf(hub.audits, ({ fields }) => fields)
        .keys()
        .toArray()
        .sort(),
    ).toEqual(
      countsOf(hub.tasks, ({ fields }) => fields)
        .keys()
        .toArray()
        .sort(),
    )
  })
  test('ask in the form of tasks: names, order and values of all fields but the words', () => {
    const form = ({ request: { messages, ...rest } }: Seen) => [Object.keys({ messages, ...rest }), rest]
    const audits = countsOf(hub.audits, form)
    expect([...audits.keys()].sort()).toEqual([...countsOf(hub.tasks, form).keys()].sort())
  })
  test('are given to all scouts alike', () => {
    const bySession = ({ session }: Seen) => session
    expect(isOneDistribution(countsOf(hub.audits, bySession), countsOf(hub.tasks, bySession))).toBe(true)
  })
  test('come at any second of a minute, for each scout', () => {
    const fifths = ({ secondOfMinute }: Seen) => Math.floor(secondOfMinute / 5)
    for (let session = 1; session <= scouts; session++) {
      const [audits, tasks] = [of(hub.audits, session), of(hub.tasks, session)]
      expect(isOneDistribution(countsOf(audits, fifths), countsOf(tasks, fifths))).toBe(true)
    }
  })
  test('come as long after the task before as tasks do, for each scout', () => {
    const gaps = (seen: readonly Seen[]) => seen.map(({ gapMs }) => gapMs)
    for (let session = 1; session <= scouts; session++) {
      expect(distance(gaps(of(hub.audits, session)), gaps(of(hub.tasks, session)))).toBeLessThan(1)
    }
  })
})

/** One audit asks several scouts at times, but no scout twice: what each of them sees is independent. */
function of(seen: readonly Seen[], session: number): Seen[] {
  return seen.filter((one) => one.session === session)
}
