/**
 * `POST /v1/completions`, from before there was chat: each prompt goes the way of a chat of one message, and the
 * answers come back in the old form. `text-request.ts` and `text-answer.ts` are the two directions.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import type { Answer } from '../../engine/ports/client.ts'
import { askedBy, submit } from '../chat/asked.ts'
import { earlyFault } from '../chat/chunk-encoder.ts'
import { giveWhole, takenEnd } from '../chat/whole-answer.ts'
import type { RequestContext } from '../request-context.ts'
import { chasmField, servedModel } from '../response/envelope.ts'
import { refuse } from '../response/response.ts'
import { type JsonBody, readChecked, refusedSize } from '../schema/body.ts'
import { idempotencyOf } from '../schema/idempotency.ts'
import { isVirtual } from '../schema/virtual-models.ts'
import { PullStream } from '../streaming/pull-stream.ts'
import { dataOf, translatedEvents } from '../streaming/translated-events.ts'
import { virtualChat } from '../virtual/virtual-chat.ts'
import { type Json, TextChoices, usageOf } from './text-answer.ts'
import { chatOf, completionRequest, promptsOf, type TextFields } from './text-request.ts'
import { completionId, type Prompt, TextStream } from './text-stream.ts'

const utf8 = new TextDecoder()

export async function createCompletion(context: RequestContext): Promise<Response> {
  const body = await readChecked(context, completionRequest)
  if ('code' in body) return refuse(context.id, body)
  const sent = body.value as TextFields
  if (sent.model && isVirtual(sent.model)) return virtualCompletion(context, body, sent)
  const prompts = promptsAsked(context, body, sent)
  if ('code' in prompts) return refuse(context.id, prompts)
  if (sent.stream === true) {
    return new PullStream(context, new TextStream(context, prompts)).respondWhenReady(earlyFault)
  }
  return giveWhole(context, idempotencyOf(context, body.bytes), () => makeCompletion(context, prompts))
}

function promptsAsked(context: RequestContext, body: JsonBody, sent: TextFields): Prompt[] | Fault {
  const prompts: Prompt[] = []
  let madeBytes = 0
  for (const text of promptsOf(sent)) {
    const value = chatOf(sent, text)
    const bytes = Buffer.from(JSON.stringify(value))
    const asked = askedBy(context, { bytes, value }, 'chat')
    if ('code' in asked) return asked
    madeBytes += bytes.length
    prompts.push({ asked, choices: new TextChoices(prompts.length * (sent.n ?? 1), text.length) })
  }
  return refusedSize(context, body, madeBytes) ?? prompts
}

async function makeCompletion(
  context: RequestContext,
  prompts: readonly Prompt[],
): Promise<Uint8Array<ArrayBuffer> | Fault> {
  const answers = prompts.map(({ asked }) => submit(context, asked))
  const ends = await endsOf(context, answers)
  if ('code' in ends) return ends
  context.firstByte(answers[0]?.served)
  const chats = ends.map((body) => JSON.parse(utf8.decode(body)) as Json)
  const choices = chats.flatMap((chat, at) => prompts[at]!.choices.of(chat))
  const [first] = answers as [Answer]
  const head = { id: completionId(first.id), object: 'text_completion', created: first.created }
  const usage = usageOf(chats.map((chat) => chat.usage))
  const text = JSON.stringify({ ...head, model: servedModel(first), choices, usage })
  return Buffer.from(`{${chasmField(first, prompts[0]!.asked.explains)}${text.slice(1)}`)
}

/** Waits for all of them, or for the first failure, which stops the others. */
async function endsOf(context: RequestContext, answers: readonly Answer[]): Promise<Uint8Array[] | Fault> {
  const { waits } = context.edge
  const abandonAll = () => {
    for (const answer of answers) answer.abandon()
  }
  waits.begin(context, abandonAll)
  const bodies: Uint8Array[] = []
  try {
    for (const answer of answers) {
      const end = await takenEnd(answer)
      if (end.type === 'failed') {
        abandonAll()
        return end.fault
      }
      bodies.push(end.body)
    }
    return bodies
  } finally {
    waits.end(context)
  }
}

/** As through chat, and its answer translated. */
async function virtualCompletion(context: RequestContext, body: JsonBody, sent: TextFields): Promise<Response> {
  const [prompt, ...more] = promptsOf(sent) as [string, ...string[]]
  if (more.length > 0) {
    const text = `\`prompt\` must be one string for ${sent.model}, which makes one answer of several models'.`
    return refuse(context.id, fault('invalid_request', text, { param: 'prompt' }))
  }
  const response = await virtualChat(context, { bytes: body.bytes, value: chatOf(sent, prompt) })
  const choices = new TextChoices(0, prompt.length)
  const { status, headers } = response
  if (headers.get('content-type')?.startsWith('text/event-stream') === true) {
    const translate = (event: string) => translatedChunk(event, choices)
    return new Response(translatedEvents(response.body!, translate), { status, headers })
  }
  const chat = (await response.json()) as Json
  const answer = chat.error ? chat : { ...inOldForm(chat), choices: choices.of(chat) }
  return new Response(JSON.stringify(answer), { status, headers })
}

function translatedChunk(event: string, choices: TextChoices): string {
  const data = dataOf(event)
  if (data === null || data === '[DONE]') return `${event}\n\n`
  const chat = JSON.parse(data) as Json
  if (chat.error) return `${event}\n\n`
  const texts = choices.of(chat)
  const hasMore = chat.usage || chat.chasm
  return texts.length === 0 && !hasMore ? '' : `data: ${JSON.stringify({ ...inOldForm(chat), choices: texts })}\n\n`
}

function inOldForm(chat: Json): Json {
  return { ...chat, id: completionId(String(chat.id)), object: 'text_completion' }
}
