/**
 * Scouts without sockets: they get the engine's grants where the gateway would send them, think for a while, answer
 * in one chunk and settle. What they note is when each node of each scroll was given out and when it was settled.
 */
import type { HubEngine } from '../../orchestrator/engine/engine.ts'
import type { Hello, ScoutEvents, ScoutLinks, TaskGrant } from '../../orchestrator/engine/ports/scouts.ts'
import { offerOf } from '../../shared/task.ts'

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

const offer = offerOf({ kind: 'chat', model: 'bench', provider: 'bench' })
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
  private events: ScoutEvents | null = null

  constructor(
    private readonly plan: FleetPlan,
    private readonly watch: Watch,
  ) {}

  /** Every scout greets and gives all of its credits. */
  join(engine: HubEngine): void {
    const events = engine.scoutEvents
    this.events = events
    const { scouts, concurrency, perOperator } = this.plan
    for (let session = 1; session <= scouts; session++) {
      const offers = [offer]
      const hello: Hello = {
        name: `scout-${session}`,
        instance: `i-${session}`,
        agent: 'bench',
        concurrency,
        offers,
        held: [],
      }
      const operator = `operator-${Math.floor(session / perOperator)}`
      events.joined({ session, operator, address: '127.0.0.1', hello })
      events.credit(session, concurrency)
    }
  }

  /** Nobody answers any more. */
  leave(): void {
    this.events = null
  }

  task(session: number, grant: TaskGrant, request: Uint8Array): boolean {
    const marks = [...Buffer.from(request).toString('latin1').matchAll(mark)]
    const [, scroll, node] = marks.at(-1)!.map(Number) as [number, number, number]
    this.watch.granted(scroll, node, performance.now())
    setTimeout(() => this.answer(session, grant, scroll, node), this.plan.thinkMs * (0.5 + Math.random()))
    return true
  }

  cancel(): void {}
  flow(): void {}
  settled(): void {}
  welcome(): void {}
  standing(): void {}

  close(session: number): void {
    throw new Error(`the hub closed session ${session}`)
  }

  private answer(session: number, { task, attempt, nonce }: TaskGrant, scroll: number, node: number): void {
    const { events } = this
    if (events === null) return
    events.chunk(session, { task, attempt, seq: 0, offset: 0 }, lines)
    this.watch.settled(scroll, node, performance.now())
    const blank = { fault: '', message: '', param: '', retryAfterMs: 0, provider: '', credits: 1 }
    events.settle(session, { task, attempt, nonce, outcome: 'done', chunks: 1, ...blank }, tail)
  }
}
