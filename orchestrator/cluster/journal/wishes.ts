/**
 * What clients of one hub want to be done to intents of another one: cancel it, or try a node again. The hub that was
 * asked passes the wish on, signed and meant for that very start of the other hub, which does it as if its own client
 * had asked, and answers. A wish may be lost, and is never repeated: who wants it knows that it may have been done.
 */
import { z } from 'zod'
import { type Fault, fault, faultTable, plainMessage } from '../../../shared/faults.ts'
import { wishAnswerMs, wishesAtOnce, wishesOfHub } from '../../../shared/limits/cluster/journal.ts'
import type { System } from '../../../shared/system.ts'
import type { IntentHost, IntentWish } from '../../engine/ports/intents.ts'
import type { HubBus } from '../bus/bus.ts'
import type { Membership } from '../membership.ts'
import type { Peers } from '../presence/peers.ts'
import { type HubProcess, jsonIn } from '../roster/message.ts'

interface WishesParts {
  system: System
  bus: HubBus
  membership: Pick<Membership, 'own' | 'prefix' | 'publish' | 'receive'>
  peers: Pick<Peers, 'get'>
  host: Pick<IntentHost, 'perform'>
}

interface Waiting {
  hub: string
  answered(outcome: Fault | null): void
}

const idForm = z.string().min(1).max(256)
const asked = { number: z.int().min(1), intent: idForm, viewer: z.union([idForm, z.null()]) }
const wishForm = z.discriminatedUnion('act', [
  z.strictObject({ ...asked, act: z.literal('cancel') }),
  z.strictObject({ ...asked, act: z.literal('retry'), node: idForm }),
])
const codes = Object.keys(faultTable) as (keyof typeof faultTable)[]
const answerForm = z.strictObject({
  number: z.int().min(1),
  fault: z
    .strictObject({
      code: z.enum(codes),
      message: z.string(),
      param: z.string().optional(),
      retryAfterMs: z.number().min(0).optional(),
    })
    .nullable(),
})

export class Wishes {
  private readonly waiting = new Map<number, Waiting>()
  private last = 0
  /** Under way here, by the hub that asked. */
  private readonly running = new Map<string, number>()

  constructor(private readonly parts: WishesParts) {}

  start(): void {
    const { bus, membership } = this.parts
    const { name } = membership.own
    bus.subscribe(this.subject('wish', name), (subject, message) => this.heard(subject, message))
    bus.subscribe(this.subject('done', name), (subject, message) => this.answered(subject, message))
  }

  ask(hub: string, wish: IntentWish): Promise<Fault | null> {
    const { peers, membership, system } = this.parts
    const peer = peers.get(hub)
    if (peer?.isHere !== true) return Promise.resolve(away(hub))
    if (this.waiting.size >= wishesAtOnce) return Promise.resolve(tooMany)
    const number = ++this.last
    const bytes = Buffer.from(JSON.stringify({ number, ...wish }))
    if (!membership.publish({ name: hub, boot: peer.boot }, this.subject('wish', hub), bytes)) {
      return Promise.resolve(away(hub))
    }
    return new Promise((resolve) => {
      const answered = (outcome: Fault | null) => {
        timer.cancel()
        this.waiting.delete(number)
        resolve(outcome)
      }
      const timer = system.after(wishAnswerMs, () => answered(unanswered(hub)))
      this.waiting.set(number, { hub, answered })
    })
  }

  private heard(subject: string, message: Uint8Array): void {
    const believed = this.parts.membership.receive(message, subject)
    if (believed === null || believed.head.to === null) return
    const parsed = wishForm.safeParse(jsonIn(believed.payload))
    if (parsed.success) void this.perform(believed.head.from, parsed.data)
  }

  private async perform(from: HubProcess, { number, ...wish }: z.infer<typeof wishForm>): Promise<void> {
    const { host, membership } = this.parts
    const running = this.running.get(from.name) ?? 0
    let outcome: Fault | null = tooMany
    if (running < wishesOfHub) {
      this.running.set(from.name, running + 1)
      outcome = await host.perform(wish)
      this.running.set(from.name, this.running.get(from.name)! - 1)
    }
    const bytes = Buffer.from(JSON.stringify({ number, fault: outcome }))
    membership.publish(from, this.subject('done', from.name), bytes)
  }

  private answered(subject: string, message: Uint8Array): void {
    const believed = this.parts.membership.receive(message, subject)
    if (believed === null || believed.head.to === null) return
    const parsed = answerForm.safeParse(jsonIn(believed.payload))
    const waiting = parsed.success ? this.waiting.get(parsed.data.number) : undefined
    if (waiting?.hub !== believed.head.from.name) return
    const { fault: outcome } = parsed.data!
    waiting.answered(outcome && faultOf(outcome))
  }

  private subject(what: 'wish' | 'done', hub: string): string {
    return `${this.parts.membership.prefix}.${what}.${hub}`
  }
}

function faultOf({ code, message, param, retryAfterMs }: NonNullable<z.infer<typeof answerForm>['fault']>): Fault {
  return fault(code, plainMessage(message), {
    ...(param !== undefined && { param }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  })
}

const soon = { retryAfterMs: 5_000 }
const tooMany = fault('hub_overloaded', 'Too many wishes to other hubs are under way: try again.', soon)

function away(hub: string): Fault {
  const text = `The intent is with hub ${hub}, which is away: try again; another hub goes on with it in some seconds.`
  return fault('store_unavailable', text, soon)
}

function unanswered(hub: string): Fault {
  return fault(
    'store_unavailable',
    `Hub ${hub}, which has the intent, did not answer: look at it, and try again.`,
    soon,
  )
}
