/**
 * A hub's engine without sockets: the test plays the gateway, one scout after the other, in frames; what the engine
 * sends them is in `sent`. After every look at it the core's invariants are checked.
 */
import { expect } from 'vitest'
import { violations } from '../../../orchestrator/core/invariants.ts'
import type { CoreSettings } from '../../../orchestrator/core/settings.ts'
import { Charges } from '../../../orchestrator/engine/charges/charges.ts'
import { ModelPrices } from '../../../orchestrator/engine/charges/model-prices.ts'
import { HubEngine } from '../../../orchestrator/engine/engine.ts'
import type { LedgerSettings } from '../../../orchestrator/engine/ledger/ledger.ts'
import type { Answer, Submission } from '../../../orchestrator/engine/ports/client.ts'
import type { EngineDefect } from '../../../orchestrator/engine/ports/defect.ts'
import type { PlannerFunctions } from '../../../orchestrator/engine/ports/planner.ts'
import type { ScoutEvents } from '../../../orchestrator/engine/ports/scouts.ts'
import type { Store } from '../../../orchestrator/engine/ports/store.ts'
import { FrameLinks } from '../../../orchestrator/gateway/frame-links.ts'
import { helloOf } from '../../../orchestrator/gateway/session.ts'
import { memoryStore } from '../../../orchestrator/store/memory/store.ts'
import { Tenants } from '../../../orchestrator/tenants/tenants.ts'
import type { FaultCode } from '../../../shared/faults.ts'
import type { CloseName } from '../../../shared/protocol/close-codes.ts'
import { type FrameOf, type HubFrame, protocolVersion } from '../../../shared/protocol/frames.ts'
import type { System } from '../../../shared/system.ts'
import type { Outcome } from '../../../shared/task.ts'
import { ManualSystem } from '../clocks/manual-system.ts'

type Sent<Type extends HubFrame['type']> = Extract<HubFrame, { type: Type }>

const none = new Uint8Array(0)

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export function textOf(lines: readonly Uint8Array[]): string[] {
  return lines.map((line) => new TextDecoder().decode(line))
}

export function deltaLine(content: string, index = 0): string {
  return JSON.stringify({ choices: [{ index, delta: { content } }] })
}

export const roleLine = '{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}'
export const finishLine = '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'
export const tail = '{"choices":[],"usage":{"completion_tokens":3}}'
export const wholeAnswer = '{"choices":[{"index":0,"message":{"role":"assistant","content":"hi"}}]}'

/** One attempt as its scout sees it; counts what it says. */
export class Work {
  seq = 0
  offset = 0

  constructor(
    private readonly bench: EngineBench,
    public session: number,
    readonly lease: Sent<'task'>,
    readonly request: Uint8Array,
  ) {}

  started(provider = 'provider'): void {
    const { task, attempt } = this.lease
    this.bench.scouts.started(this.session, { type: 'started', task, attempt, provider } as FrameOf<'started'>)
  }

  /** Lines, one chunk for all of them. */
  say(...lines: string[]): void {
    this.chunk(lines.map((line) => `${line}\n`).join(''))
  }

  chunk(text: string | Uint8Array, fields: Partial<FrameOf<'chunk'>> = {}): void {
    const body = typeof text === 'string' ? bytesOf(text) : text
    const { task, attempt } = this.lease
    const { seq, offset } = this
    const frame = { type: 'chunk' as const, task, attempt, seq, offset, size: body.length, body: null, ...fields }
    this.seq++
    this.offset += body.length
    this.bench.scouts.chunk(this.session, frame, body)
  }

  done(
    body: string | Uint8Array = this.lease.stream ? tail : wholeAnswer,
    fields: Partial<FrameOf<'settle'>> = {},
  ): void {
    this.settle('done', typeof body === 'string' ? bytesOf(body) : body, fields)
  }

  fail(code: FaultCode | string, outcome: Outcome = 'failed', message = 'It went wrong.'): void {
    this.settle(outcome, none, { fault: code, message })
  }

  private settle(outcome: Outcome, body: Uint8Array, fields: Partial<FrameOf<'settle'>>): void {
    const { task, attempt, nonce } = this.lease
    const plain = {
      fault: '',
      message: '',
      param: '',
      retryAfterMs: 0,
      provider: '',
      credits: 0,
      chunks: this.seq,
      size: body.length,
      body: null,
    }
    const frame = { type: 'settle' as const, task, attempt, nonce, outcome, ...plain, ...fields }
    this.bench.scouts.settle(this.session, frame, body)
  }
}

/** The same object, with a turn of the loop around each call of it. */
function flushing<T extends object>(engine: HubEngine, target: T): T {
  engine.flush()
  return new Proxy(target, {
    get(of, name) {
      const value: unknown = Reflect.get(of, name, of)
      if (typeof value !== 'function') return value
      return (...facts: unknown[]) => {
        const result: unknown = value.apply(of, facts)
        engine.flush()
        return result
      }
    },
  })
}

/** Charges of a hub whose scouts name no prices and whose keys have used nothing yet. */
export function freeCharges(system: Pick<System, 'nowMs' | 'wallMs'>): Charges {
  const nobody = { ofKey: () => [], ofAccount: () => [] }
  return new Charges(new Tenants(nobody), new ModelPrices({ entry: () => undefined }), system)
}

/** What a hub of a network has beside its own: a clock that it shares, and its part in the network. */
export interface EngineWorld {
  system?: ManualSystem
  taskEpoch?: number
  ledger?: LedgerSettings | null
  /** Called before the engine starts. */
  prepare?: (engine: HubEngine) => void
}

export class EngineBench {
  readonly system: ManualSystem
  readonly engine: HubEngine
  /** What the engine sends through. */
  readonly links = new FrameLinks(
    (session, frame, body) => this.send(session, frame, body),
    (session, why) => this.close(session, why),
  )
  /** The scouts' edge of the engine; every report to it is a turn of its own. */
  readonly scouts: ScoutEvents
  /** The defects that the engine reported. */
  readonly defects: EngineDefect[] = []
  /** Everything the engine sent, in order. */
  readonly sent: { session: number; frame: HubFrame; body: Uint8Array | undefined }[] = []
  readonly closed: { session: number; why: CloseName }[] = []
  private nextSession = 1

  constructor(
    settings: Partial<CoreSettings> = {},
    store: Store = memoryStore(),
    epoch = 3,
    planner: PlannerFunctions | null = null,
    { system = new ManualSystem(), taskEpoch, ledger = null, prepare }: EngineWorld = {},
  ) {
    this.system = system
    const quick = { retryBaseMs: 50, bootGraceMs: 5_000 }
    this.engine = new HubEngine({
      store,
      system: this.system,
      links: this.links,
      onDefect: (defect) => this.defects.push(defect),
      epoch,
      settings: { ...quick, ...settings },
      seed: 1,
      ledger,
      ...(planner && { planner }),
      ...(taskEpoch !== undefined && { taskEpoch }),
    })
    prepare?.(this.engine)
    this.scouts = flushing(this.engine, this.engine.scoutEvents)
    this.engine.start()
  }

  private send(session: number, frame: HubFrame, body?: Uint8Array): void {
    this.sent.push({ session, frame, body })
  }

  private close(session: number, why: CloseName): void {
    this.closed.push({ session, why })
    this.engine.scoutEvents.gone(session)
  }

  /** Frames of one type since the last look at that type. */
  take<Type extends HubFrame['type']>(
    type: Type,
  ): { session: number; frame: Sent<Type>; body: Uint8Array | undefined }[] {
    expect(violations(this.engine.core.state)).toEqual([])
    const found = this.sent.filter(({ frame }) => frame.type === type)
    for (const one of found) this.sent.splice(this.sent.indexOf(one), 1)
    return found as ReturnType<typeof this.take<Type>>
  }

  join(models: string[], credits = 0, fields: Partial<FrameOf<'hello'>> = {}, operator = 'operator'): number {
    const session = this.nextSession++
    const hello: FrameOf<'hello'> = {
      type: 'hello',
      version: protocolVersion,
      name: `scout-${session}`,
      instance: `instance-${session}`,
      agent: 'test',
      concurrency: 8,
      offers: models.map((model) => ['chat', model, 'provider', 0, 0, null, null, '']),
      held: [],
      ...fields,
    }
    this.scouts.joined({ session, operator, address: '127.0.0.1', hello: helloOf(hello) })
    if (credits > 0) this.scouts.credit(session, credits)
    return session
  }

  ask(fields: Partial<Submission> = {}): Answer {
    const plain = { tenant: 'tenant', kind: 'chat', model: 'm', stream: true, body: bytesOf('{"q":1}') } as const
    return flushing(this.engine, this.engine.submit({ ...plain, ...fields }))
  }

  /** The one lease granted since the last look. */
  work(): Work {
    const leases = this.take('task')
    expect(leases.length).toBe(1)
    const { session, frame, body } = leases[0]!
    return new Work(this, session, frame, body!)
  }
}
