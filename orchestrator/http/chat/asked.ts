/**
 * What a checked request asks of the engine: one submission, or several ways to be answered that are tried in turn. The
 * routes of chats and of embeddings make it, and those of other dialects of what they have translated.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import type { TaskKind } from '../../../shared/task.ts'
import type { Answer, Submission } from '../../engine/ports/client.ts'
import type { RequestContext } from '../request-context.ts'
import type { JsonBody } from '../schema/body.ts'
import { type PreferenceFields, type Tries, triesOf } from '../schema/preferences/tries.ts'
import { routingOf } from '../schema/routing-options.ts'
import { submitTries } from './fallback-answer.ts'

/** The fields of a checked request that the hub itself looks at. */
export interface AskedFields extends PreferenceFields {
  stream?: boolean | null
  stream_options?: { include_usage?: boolean | null } | null
}

/** What is kept of a request while it waits: its bytes, nothing of the parsed value, which is far larger. */
export interface Asked {
  submission: Submission
  /** In place of the submission's own model and options; null when it prefers nobody. */
  tries: Tries | null
  withUsage: boolean
  explains: boolean
}

const nobodyTrusted = fault(
  'invalid_request',
  '`chasm.trusted` needs audits, which this orchestrator does not make (TRUST): remove it.',
  { param: 'chasm.trusted' },
)

export function askedBy(context: RequestContext, body: JsonBody, kind: TaskKind): Asked | Fault {
  const sent = body.value as AskedFields
  const { stream, stream_options: options, chasm } = sent
  const tries = triesOf(sent, kind)
  if (tries !== null && 'code' in tries) return tries
  if (chasm?.trusted === true && !context.edge.engine.isAuditing) return nobodyTrusted
  const key = context.caller!
  const { tenant, weight } = key
  const isStream = kind === 'chat' && stream === true
  // The schema requires a model, or several.
  const submission = {
    tenant,
    weight,
    key,
    kind,
    model: sent.model!,
    stream: isStream,
    body: body.bytes,
    ...routingOf(chasm),
  }
  return {
    submission,
    tries,
    withUsage: options?.include_usage === true,
    explains: chasm?.explain === true,
  }
}

export function submit({ edge }: RequestContext, { submission, tries }: Asked): Answer {
  return submitTries(edge, submission, tries)
}
