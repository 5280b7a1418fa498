/**
 * What clients of one hub want to be done to intents of another one: cancel it, or try a node again. The hub that was
 * asked passes the wish on to the other hub, which does it as if its own client had asked, and answers.
 */
import { z } from 'zod'
import { type Fault, fault, faultTable, plainMessage } from '../../../shared/faults.ts'
import { wishAnswerMs, wishesAtOnce, wishesOfHub } from '../../../shared/limits/cluster/journal.ts'
import type { IntentHost, IntentWish } from '../../engine/ports/intents.ts'
import { Questions, type QuestionsParts } from '../questions.ts'

interface WishesParts extends QuestionsParts {
  host: Pick<IntentHost, 'perform'>
}

const idForm = z.string().min(1).max(256)
const asked = { intent: idForm, viewer: z.union([idForm, z.null()]) }
const wishForm = z.discriminatedUnion('act', [
  z.strictObject({ ...asked, act: z.literal('cancel') }),
  z.strictObject({ ...asked, act: z.literal('retry'), node: idForm }),
])
const codes = Object.keys(faultTable) as (keyof typeof faultTable)[]
const outcomeForm = z.strictObject({
  fault: z
    .strictObject({
      code: z.enum(codes),
      message: z.string(),
      param: z.string().optional(),
      retryAfterMs: z.number().min(0).optional(),
    })
    .nullable(),
})

type Outcome = z.infer<typeof outcomeForm>

export class Wishes {
  private readonly questions: Questions<IntentWish, Outcome>

  constructor({ host, ...parts }: WishesParts) {
    this.questions = new Questions<IntentWish, Outcome>(parts, {
      words: { question: 'wish', answer: 'done' },
      questionForm: wishForm,
      answerForm: outcomeForm,
      answerMs: () => wishAnswerMs,
      atOnceMax: wishesAtOnce,
      ofHubMax: wishesOfHub,
      busy: { fault: tooMany } as Outcome,
      perform: async (wish) => ({ fault: await host.perform(wish) }) as Outcome,
    })
  }

  start(): void {
    this.questions.start()
  }

  async ask(hub: string, wish: IntentWish): Promise<Fault | null> {
    const outcome = await this.questions.ask(hub, wish)
    if (outcome === 'away') return away(hub)
    if (outcome === 'busy') return tooMany
    if (outcome === 'unanswered') return unanswered(hub)
    return outcome.fault && faultOf(outcome.fault)
  }
}

function faultOf({ code, message, param, retryAfterMs }: NonNullable<Outcome['fault']>): Fault {
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
