/**
 * Asks one scout one thing, as any client's request is asked: through the engine, with the least priority, under a
 * tenant of the hub's own that no scout is told of. Gives back the text of the answer, and reads texts of answers that
 * others asked for. Bounded in what it keeps of each.
 */
import { textOf } from '../../../shared/json/answer-text.ts'
import { auditWeight, witnessedBytesMax } from '../../../shared/limits/trust/audits.ts'
import type { TaskKind } from '../../../shared/task.ts'
import type { Answer } from '../../engine/ports/client.ts'
import { type AuditedEngine, auditTenant, type WitnessedAnswer } from '../../engine/ports/trust/witness.ts'

export interface Asking {
  /** Who may answer; the engine decides among them. */
  scouts: readonly string[]
  kind: TaskKind
  model: string
  stream: boolean
  body: Uint8Array
  deadlineMs: number
}

export interface Said {
  /** null when no answer came, or one without a text. */
  text: string | null
  /** Of embeddings the answer as it came. */
  body: Uint8Array | null
  /** Who was given the request last; null for nobody. */
  scout: string | null
  /** Others were given it before that one. */
  isShared: boolean
}

export const nothingSaid: Said = { text: null, body: null, scout: null, isShared: false }

/** The text of the answer and who gave it. */
export async function ask(engine: AuditedEngine, asking: Asking): Promise<Said> {
  const { scouts, deadlineMs, ...request } = asking
  const answer = engine.submit({
    ...request,
    tenant: auditTenant,
    deadlineMs,
    priority: 0,
    weight: auditWeight,
    routing: { only: [...scouts], attemptsMax: 1, hedgeAfterMs: 0 },
  })
  const whole = await collect(answer)
  const isText = request.kind === 'chat'
  const text = whole && isText ? textIn({ stream: request.stream, ...whole }) : null
  const body = whole && !isText ? whole.body : null
  return { text, body, scout: answer.served?.scout ?? null, isShared: answer.attempts > 1 }
}

/** Null for an answer that failed. */
async function collect(answer: Answer): Promise<Pick<WitnessedAnswer, 'lines' | 'body'> | null> {
  const lines: Uint8Array[] = []
  let bytes = 0
  for (;;) {
    const part = answer.take()
    if (part === null) {
      await new Promise<void>((wake) => answer.onReadable(wake))
      continue
    }
    for (const line of part.lines) {
      bytes += line.length
      if (bytes <= witnessedBytesMax) lines.push(line)
    }
    if (part.end?.type === 'failed') return null
    if (part.end?.type === 'done') return { lines, body: part.end.body }
  }
}

/** The text of the first choice, or its first characters; null for an answer without any, as one of tool calls. */
export function textIn(
  { stream, lines, body }: Pick<WitnessedAnswer, 'stream' | 'lines' | 'body'>,
  charsMax = witnessedBytesMax,
): string | null {
  if (!stream) return textOf(body).slice(0, charsMax) || null
  let text = ''
  for (const line of lines) {
    if (text.length >= charsMax) break
    text += pieceIn(line)
  }
  return text || null
}

/** Lines were checked when they came. */
function pieceIn(line: Uint8Array): string {
  const { choices } = JSON.parse(Buffer.from(line).toString('utf8')) as {
    choices?: { index?: number; delta?: { content?: unknown } }[]
  }
  const first = choices?.find(({ index }) => index === 0)
  const content = first?.delta?.content
  return typeof content === 'string' ? content : ''
}
