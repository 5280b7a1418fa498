/**
 * What the hub itself adds to a task, without the runtime's sockets: engine, core, sessions and codec, from a client's
 * submission to its whole answer. The scouts are sessions of the gateway whose sockets are a list in memory; their own
 * share of the time is measured and left out. `npm run bench:engine`; the median over the rounds is shown.
 */
import { HubEngine } from '../../orchestrator/engine/engine.ts'
import type { Answer } from '../../orchestrator/engine/ports/client.ts'
import { FrameLinks } from '../../orchestrator/gateway/frame-links.ts'
import { ScoutSession } from '../../orchestrator/gateway/session.ts'
import { plannerFunctions } from '../../orchestrator/planner/planner.ts'
import { memoryStore } from '../../orchestrator/store/memory/store.ts'
import { ByteAccount } from '../../shared/byte-account.ts'
import { acksHeldMax, assemblyBytesInAllMax, assemblyBytesPerOperatorMax } from '../../shared/limits/wire.ts'
import { decodeFromHub, encode } from '../../shared/protocol/codec.ts'
import { type FrameOf, protocolVersion } from '../../shared/protocol/frames.ts'
import { realSystem } from '../../shared/system.ts'

const scouts = 2_000
const models = 50
const offersPerScout = 5
const inFlight = 100
const tasksPerRound = 20_000
const rounds = 15
/** Rounds in which the runtime still compiles. */
const warmRounds = 5

const message = { role: 'assistant', content: 'x'.repeat(150) }
const usage = { prompt_tokens: 100, completion_tokens: 30, total_tokens: 130 }
const answer = Buffer.from(JSON.stringify({ choices: [{ index: 0, message, finish_reason: 'stop' }], usage }))
const request = Buffer.from(JSON.stringify({ messages: [{ role: 'user', content: 'x'.repeat(400) }] }))

/** A hub without sockets, and the frames that its scouts send. */
class Stage {
  private readonly system = realSystem()
  private readonly engine: HubEngine
  private readonly sessions = new Map<number, ScoutSession>()
  private said: { session: ScoutSession; bytes: Uint8Array }[] = []
  private asked = 0
  /** Milliseconds spent in the scouts' place. */
  scoutsMs = 0

  constructor() {
    const { system } = this
    const settings = { bootGraceMs: 0 }
    const links = new FrameLinks(
      (session, frame, body) => this.sessions.get(session)!.send(frame, body),
      (session, why) => this.sessions.get(session)!.close(why),
    )
    const onDefect = (defect: Error) => {
      throw defect
    }
    const store = memoryStore()
    this.engine = new HubEngine({ system, store, links, epoch: 1, onDefect, settings, planner: plannerFunctions })
    this.engine.start()
    for (let id = 1; id <= scouts; id++) this.join(id)
  }

  stop(): void {
    this.engine.stop()
  }

  private join(id: number): void {
    const socket = {
      send: (bytes: Uint8Array) => this.hear(id, bytes),
      close: (code: number, reason: string) => {
        throw new Error(`session ${id} was closed: ${code} ${reason}`)
      },
      buffered: () => 0,
    }
    const nowMs = this.system.nowMs()
    const who = { id, operator: `operator-${id}`, address: '127.0.0.1' }
    const bytesInFlight = new ByteAccount(assemblyBytesInAllMax, assemblyBytesPerOperatorMax)
    const events = this.engine.scoutEvents
    const session = new ScoutSession({ ...who, socket, events, acksHeldMax, nowMs, bytesInFlight })
    this.sessions.set(id, session)
    const offers = Array.from({ length: offersPerScout }, (_, at) => offerOf((id + at * 10) % models))
    const self = { name: `scout-${id}`, instance: `i${id}`, agent: 'bench', concurrency: 4 }
    session.receive(encode({ type: 'hello', version: protocolVersion, ...self, offers, held: [] }), nowMs)
    session.receive(encode({ type: 'credit', count: 4 }), nowMs)
  }

  private hear(id: number, bytes: Uint8Array): number {
    const startMs = performance.now()
    const frame = decodeFromHub(bytes)
    if (frame.type === 'task') this.said.push({ session: this.sessions.get(id)!, bytes: settlement(frame) })
    this.scoutsMs += performance.now() - startMs
    return bytes.length
  }

  /** As many requests as are in flight at once, and their answers. */
  serve(): void {
    const answers: Answer[] = []
    for (let at = 0; at < inFlight; at++) {
      const model = `model-${this.asked++ % models}`
      const body = new Uint8Array(request)
      answers.push(this.engine.submit({ tenant: 'tenant', kind: 'chat', model, stream: false, body }))
    }
    this.engine.flush()
    const { said } = this
    this.said = []
    for (const { session, bytes } of said) session.receive(bytes, this.system.nowMs())
    this.engine.flush()
    for (const one of answers) if (one.take()?.end?.type !== 'done') throw new Error('a request was not answered')
  }
}

function offerOf(model: number): FrameOf<'hello'>['offers'][number] {
  return ['chat', `model-${model}`, 'bench', 0, 0, null, null, '']
}

function settlement({ task, attempt, nonce }: FrameOf<'task'>): Uint8Array {
  const end = { outcome: 'done', chunks: 0, provider: 'bench', credits: 1, fault: '', message: '', param: '' } as const
  return encode({ type: 'settle', task, attempt, nonce, ...end, retryAfterMs: 0, size: answer.length, body: answer })
}

const stage = new Stage()
const costs: number[] = []
for (let round = 0; round < warmRounds + rounds; round++) {
  const startMs = performance.now()
  const scoutsMs = stage.scoutsMs
  for (let done = 0; done < tasksPerRound; done += inFlight) {
    stage.serve()
    // Promises that were resolved meanwhile have their turn, as between two events of a socket.
    await null
  }
  const hubMs = performance.now() - startMs - (stage.scoutsMs - scoutsMs)
  if (round >= warmRounds) costs.push((hubMs * 1_000) / tasksPerRound)
}
stage.stop()
const median = costs.toSorted((a, b) => a - b)[costs.length >> 1]!
process.stdout.write(`| scouts | in flight | us of the hub per task |\n|--:|--:|--:|\n`)
process.stdout.write(`| ${scouts} | ${inFlight} | ${median.toFixed(1)} |\n`)
process.exit(0)
