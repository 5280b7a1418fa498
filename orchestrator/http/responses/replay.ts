/**
 * The events of a response that is whole and kept, as if it were made now: each text in one piece. For clients that
 * retrieve a response as a stream.
 */
import type { RequestContext } from '../request-context.ts'
import { streamHeaders } from '../response/response.ts'
import { doneMark } from './durable-view.ts'
import { EventWriter } from './events/event-writer.ts'
import { ResponseAnswer } from './events/response-answer.ts'
import { customArguments } from './items/custom-tool.ts'
import { nameForModel, toolNamesIn } from './items/tool-names.ts'
import type { KeptTurn } from './kept-turn.ts'

type Json = Record<string, unknown>

export function replay({ id }: RequestContext, { answer, echo }: KeptTurn): Response {
  return new Response(replayed(answer, echo), { headers: streamHeaders(id) })
}

function replayed(answer: Json, echo: Json): string {
  const writer = new EventWriter('single')
  const { id, created_at: createdAt, model } = answer as { id: string; created_at: number; model: string }
  const toolNames = toolNamesIn(echo.tools)
  const made = new ResponseAnswer({ id, createdAt, model, echo, toolNames, store: true }, writer.emit)
  made.open()
  for (const [at, item] of (answer.output as Json[]).entries()) made.add({ choices: [{ delta: deltaOf(item, at) }] })
  const { reason } = (answer.incomplete_details ?? {}) as Json
  const finish = reason === 'max_output_tokens' ? 'length' : reason
  made.add({ choices: [{ finish_reason: finish ?? 'stop' }] })
  made.close()
  made.finish(answer)
  return writer.take() + doneMark
}

/** The delta that makes such an item again. */
function deltaOf(item: Json, at: number): Json {
  switch (item.type) {
    case 'reasoning':
      return { reasoning: (item.summary as Json[]).map(({ text }) => text).join('') }
    case 'function_call':
    case 'custom_tool_call': {
      const sent = item.type === 'function_call' ? item.arguments : customArguments(item.input as string)
      const name = nameForModel(item.name as string, item.namespace)
      return { tool_calls: [{ index: at, id: item.call_id, function: { name, arguments: sent } }] }
    }
    default:
      return messageDelta(item.content as Json[])
  }
}

/** Text comes before a refusal in every message of a chat completion. */
function messageDelta(content: readonly Json[]): Json {
  const texts = content.filter(({ type }) => type === 'output_text')
  const text = texts.map((part) => part.text).join('')
  const refusal = content.map((part) => (part.type === 'refusal' ? part.refusal : '')).join('')
  return { content: text, refusal }
}
