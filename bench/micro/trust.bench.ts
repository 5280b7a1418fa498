/**
 * What looking at answers costs a chat: two hubs without sockets in one process, one with its trust desk and one
 * without, take turns with the same chats; scouts are trusted, as nearly all are, so two of a hundred answers are
 * drawn. What audits ask for later is not in it. `npm run bench:trust`; the median of the pairs is shown, with the
 * least and the most; the bytes that a task under way takes for it; and those that are kept of a task that is over, as
 * what a collected heap has grown by with the desk and without it. Every answer is another one, as a model's are: the
 * same text for everybody would look like junk.
 */

import { heapStats } from 'bun:jsc'
import { AnswerWatch } from '../../orchestrator/engine/answers/watch/answer-watch.ts'
import { HubEngine } from '../../orchestrator/engine/engine.ts'
import type { Answer } from '../../orchestrator/engine/ports/client.ts'
import { FrameLinks } from '../../orchestrator/gateway/frame-links.ts'
import { helloOf } from '../../orchestrator/gateway/session.ts'
import { memoryStore } from '../../orchestrator/store/memory/store.ts'
import { defaultTrustSettings } from '../../orchestrator/trust/desk/parts.ts'
import { newRecord } from '../../orchestrator/trust/standing/record.ts'
import { TrustDesk } from '../../orchestrator/trust/trust-desk.ts'
import { ByteAccount } from '../../shared/byte-account.ts'
import { type FrameOf, protocolVersion } from '../../shared/protocol/frames.ts'
import { realSystem } from '../../shared/system.ts'
import { median, round } from '../scenarios/scenario.ts'

const scouts = 200
const inFlight = 100
const chatsPerTurn = 10_000
const pairs = 25
/** In which the runtime still compiles. */
const warmPairs = 5
const held = 200_000
/** Turns over which growth is measured. */
const keptTurns = 8

const content = 'It depends on the weather, and on the season, and a little on taste. '.repeat(6)
const piece = (text: string) =>
  JSON.stringify({ choices: [{ index: 0, delta: { content: text }, finish_reason: null }] })
const lines = Array.from({ length: content.length / 8 }, (_, at) => piece(content.slice(8 * at, 8 * at + 8)))
const end = JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
const stream = Buffer.from(`${[piece('00000000'), ...lines, end].join('\n')}\n`)
/** Where each answer has a number of its own. */
const serialAt = stream.indexOf('00000000')
let serial = 0

/** Bytes of an answer with the next number. */
function nextStream(): Uint8Array {
  stream.write(String(serial++ % 100_000_000).padStart(8, '0'), serialAt, 'latin1')
  return new Uint8Array(stream)
}
const tail = Buffer.from('{"choices":[],"usage":{"prompt_tokens":30,"completion_tokens":60,"total_tokens":90}}')
const question = { model: 'm', stream: true, messages: [{ role: 'user', content: 'What do you think of it?' }] }
const request = Buffer.from(JSON.stringify(question))

type Task = FrameOf<'task'>

class Stage {
  private readonly engine: HubEngine
  private given: { session: number; task: Task }[] = []

  constructor(isWatched: boolean) {
    const system = realSystem()
    const store = memoryStore()
    const links = new FrameLinks(
      (session, frame) => frame.type === 'task' && this.given.push({ session, task: frame }),
      () => {},
    )
    const onDefect = (defect: Error) => {
      throw defect
    }
    this.engine = new HubEngine({ system, store, links, epoch: 1, onDefect, settings: { bootGraceMs: 0 } })
    this.engine.start()
    for (let session = 1; session <= scouts; session++) {
      const offers: FrameOf<'hello'>['offers'] = [['chat', 'm', 'bench', 0, 0, null, null, '', 4_194_304]]
      const who = { name: 's', instance: `i${session}`, agent: 'bench', concurrency: 4, held: [] }
      const hello = helloOf({ type: 'hello', version: protocolVersion, ...who, offers })
      this.engine.scoutEvents.joined({ session, operator: `o${session}`, address: '::1', hello })
      this.engine.scoutEvents.credit(session, 4)
      const known = { ...newRecord(`o${session}/s`, 'm', `o${session}`, 1), state: 'trusted' as const, passed: 50 }
      const row = { scout: known.scout, model: 'm', bookedMs: 1, record: JSON.stringify(known) }
      store.commit([{ write: 'trust', row }])
    }
    this.engine.flush()
    if (!isWatched) return
    const settings = { ...defaultTrustSettings, auditsPerDayMin: Number.POSITIVE_INFINITY }
    const keep = (_write: unknown, then?: () => void) => then?.()
    this.engine.watchedBy(new TrustDesk({ system, engine: this.engine, store, keep, settings }))
  }

  /** Microseconds of each chat. */
  turn(): number {
    const startMs = performance.now()
    for (let done = 0; done < chatsPerTurn; done += inFlight) this.serve()
    return ((performance.now() - startMs) * 1_000) / chatsPerTurn
  }

  private serve(): void {
    const answers: Answer[] = []
    const asked = { tenant: 'tenant', kind: 'chat', model: 'm', stream: true } as const
    for (let at = 0; at < inFlight; at++) answers.push(this.engine.submit({ ...asked, body: new Uint8Array(request) }))
    this.engine.flush()
    const { given } = this
    this.given = []
    const none = { fault: '', message: '', param: '', retryAfterMs: 0 }
    for (const { session, task } of given) {
      const { task: id, attempt, nonce } = task
      this.engine.scoutEvents.chunk(session, { task: id, attempt, seq: 0, offset: 0 }, nextStream())
      const head = { task: id, attempt, nonce, outcome: 'done' as const, provider: 'bench', credits: 1, chunks: 1 }
      this.engine.scoutEvents.settle(session, { ...head, ...none }, tail)
    }
    this.engine.flush()
    for (const one of answers) if (one.take()?.end?.type !== 'done') throw new Error('a chat was not answered')
  }
}

/** Bytes of heap for each of many of the objects that a task has for being looked at. */
function bytesOfWatch(): number {
  const witness = { settled() {}, answered() {}, note: () => ({ interest: 'none', state: null }) as const }
  const watches: AnswerWatch[] = new Array(held).fill(null)
  const account = new ByteAccount(0, 0)
  Bun.gc(true)
  const before = heapStats().heapSize
  for (let at = 0; at < held; at++)
    watches[at] = new AnswerWatch(witness, 't', 'chat', request, true, 1, false, true, account)
  Bun.gc(true)
  return (heapStats().heapSize - before) / watches.length
}

/** Bytes that a collected heap grows by with each chat; what is kept for a number of scouts is full by now. */
function bytesKept(stage: Stage): number {
  Bun.gc(true)
  const before = heapStats().heapSize
  for (let turn = 0; turn < keptTurns; turn++) stage.turn()
  Bun.gc(true)
  return (heapStats().heapSize - before) / (keptTurns * chatsPerTurn)
}

const [plain, watched] = [new Stage(false), new Stage(true)]
const costs: number[] = []
const added: number[] = []
for (let pair = 0; pair < warmPairs + pairs; pair++) {
  // Who begins takes turns as well.
  const first = pair % 2 === 0 ? plain.turn() : watched.turn()
  const second = pair % 2 === 0 ? watched.turn() : plain.turn()
  if (pair < warmPairs) continue
  const [without, withDesk] = pair % 2 === 0 ? [first, second] : [second, first]
  costs.push(without)
  added.push(withDesk - without)
}
const [least, most] = [Math.min(...added), Math.max(...added)]
process.stdout.write(
  '| us of a chat without | added, us | least to most | bytes of a task under way | kept of one that is over |\n' +
    '|--:|--:|--:|--:|--:|\n',
)
const range = `${round(least)} to ${round(most)}`
const kept = bytesKept(watched) - bytesKept(plain)
const figures = [round(median(costs)), round(median(added)), range, round(bytesOfWatch()), round(kept)]
process.stdout.write(`| ${figures.join(' | ')} |\n`)
process.exit(0)
