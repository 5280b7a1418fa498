/**
 * Scouts without sockets: they hear the engine's frames where the gateway would send them, think for a while, answer
 * in one chunk and settle. What they note is when each node of each scroll was given out and when it was settled.
 */
import type { HubEngine } from '../../orchestrator/engine/engine.ts'
import type { ScoutLinks } from '../../orchestrator/engine/ports/scouts.ts'
import { type FrameOf, type HubFrame, protocolVersion } from '../../shared/protocol/frames.ts'

export interface Watch {
  /** A node was given out, or its answer handed in; `nowMs` is when. */
  granted(scroll: number, node: number, nowMs: number): void
  settled(scroll: number, node: number, nowMs: number): void
}

export interface FleetPlan {
  scouts: number
  concurrency: number
  /** Scouts of one operator. */
  perOperator: number
  /** Mean milliseconds from a lease to its answer; each takes between half and one and a half of it. */
  thinkMs: number
}

const encoder = new TextEncoder()
const lines = encoder.encode(
  '{"choices":[{"index":0,"delta":{"role":"assistant","content":"A short answer."}}]}\n' +
    '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n',
)
const tail = encoder.encode('{"choices":[],"usage":{"prompt_tokens":20,"completion_tokens":5}}')
/** In the last message of a request: which node of which scroll it is. */
const mark = /#(\d+)\.(\d+)#/g

export function markOf(scroll: number, node: number): string {
  return `#${scroll}.${node}#`
}

export class Fleet implements ScoutLinks {
  private engine: HubEngine | null = null

  constructor(
    private readonly plan: FleetPlan,
    private readonly watch: Watch,
  ) {}

  /** Every scout greets and gives all of its credits. */
  join(engine: HubEngine): void {
    this.engine = engine
    const { scouts, concurrency, perOperator } = this.plan
    for (let session = 1; session <= scouts; session++) {
      const offers: FrameOf<'hello'>['offers'] = [['chat', 'bench', 'bench', 0, 0, null, null, '']]
      const who = { name: `scout-${session}`, instance: `i-${session}`, agent: 'bench', concurrency, offers, held: [] }
      const hello: FrameOf<'hello'> = { type: 'hello', version: protocolVersion, ...who }
      const operator = `operator-${Math.floor(session / perOperator)}`
      engine.joined({ session, operator, address: '127.0.0.1', hello })
      engine.credit(session, concurrency)
    }
  }

  /** Nobody answers any more. */
  leave(): void {
    this.engine = null
  }

  send(session: number, frame: HubFrame, body?: Uint8Array): void {
    if (frame.type !== 'task') return
    const marks = [...Buffer.from(body!).toString('latin1').matchAll(mark)]
    const [, scroll, node] = marks.at(-1)!.map(Number) as [number, number, number]
    this.watch.granted(scroll, node, performance.now())
    setTimeout(() => this.answer(session, frame, scroll, node), this.plan.thinkMs * (0.5 + Math.random()))
  }

  close(session: number): void {
    throw new Error(`the hub closed session ${session}`)
  }

  private answer(session: number, { task, attempt, nonce }: FrameOf<'task'>, scroll: number, node: number): void {
    const { engine } = this
    if (engine === null) return
    const chunk = { type: 'chunk' as const, task, attempt, seq: 0, offset: 0, size: lines.length, body: null }
    engine.chunk(session, chunk, lines)
    this.watch.settled(scroll, node, performance.now())
    const blank = { fault: '', message: '', param: '', retryAfterMs: 0, provider: '', credits: 1 }
    const end = { type: 'settle' as const, task, attempt, nonce, outcome: 'done' as const, chunks: 1, ...blank }
    engine.settle(session, { ...end, size: tail.length, body: null }, tail)
  }
}
