/**
 * Asks a hub the questions of the corpus, one after the other, and checks each answer and each event of a stream
 * against the published schemas. What it finds goes into the score card; the test expects no violation.
 */
import type { LiveHub } from '../../support/hub/live-hub.ts'
import { type Publisher, publishers, SchemaCheck } from '../schema/schema-check.ts'
import type { Json, Question } from './question.ts'

export interface Violation {
  question: string
  publisher: Publisher | 'hub'
  message: string
}

export interface CorpusResult {
  answers: number
  events: number
  violations: Violation[]
}

const streamSchemas = { chat: 'CreateChatCompletionStreamResponse', text: 'CreateCompletionResponse' } as const
const responseEnds = ['response.completed', 'response.incomplete', 'response.failed', 'error']
const done = '[DONE]'
/** A question that waits longer has found nobody to answer, and nobody to say so. */
const answerMsMax = 60_000

export class Corpus {
  readonly result: CorpusResult = { answers: 0, events: 0, violations: [] }
  readonly checks: Readonly<Record<Publisher, SchemaCheck>>
  /** Ids of earlier answers, by the names that questions gave them. */
  private readonly kept = new Map<string, string>()

  constructor(private readonly hub: LiveHub) {
    this.checks = Object.fromEntries(publishers.map((publisher) => [publisher, new SchemaCheck(publisher)])) as Record<
      Publisher,
      SchemaCheck
    >
  }

  async ask(questions: readonly Question[]): Promise<void> {
    for (const question of questions) await this.askOne(question)
  }

  private async askOne(question: Question): Promise<void> {
    const { method = 'POST', path, body, key = this.hub.clientKey, headers, form } = question
    const text = body === undefined ? undefined : this.filled(typeof body === 'string' ? body : JSON.stringify(body))
    const signal = AbortSignal.timeout(answerMsMax)
    const asked = { method, signal, ...(text !== undefined && { body: text }) }
    const auth = { ...(key !== null && { authorization: `Bearer ${key}` }) }
    const allHeaders = { ...auth, 'content-type': 'application/json', ...headers }
    const response = await fetch(this.hub.url + this.filled(path), { ...asked, headers: allHeaders }).catch(() => null)
    const said = await response?.text().catch(() => null)
    if (!response || typeof said !== 'string') return this.find(question, 'hub', [`no answer in ${answerMsMax} ms`])
    if ('stream' in form) return this.checkStream(question, response, said, form.stream)
    if (response.status !== form.status) {
      return this.find(question, 'hub', [`status ${response.status} in place of ${form.status}: ${said.slice(0, 300)}`])
    }
    const answer = parsed(said)
    if (answer === undefined) return this.find(question, 'hub', [`no JSON: ${said.slice(0, 300)}`])
    this.result.answers++
    if (question.keeps !== undefined) this.kept.set(question.keeps, String(answer.id))
    const { schema, openResponses } = form
    if (schema !== undefined) this.find(question, 'openai', this.checks.openai.violations(schema, answer))
    if (openResponses === undefined) return
    this.find(question, 'open-responses', this.checks['open-responses'].violations(openResponses, withoutForm(answer)))
  }

  private filled(text: string): string {
    return text.replace(/\{(\w+)\}/g, (whole, name: string) => this.kept.get(name) ?? whole)
  }

  private checkStream(question: Question, response: Response, said: string, kind: 'chat' | 'text' | 'responses'): void {
    const type = response.headers.get('content-type') ?? ''
    if (!type.startsWith('text/event-stream')) {
      return this.find(question, 'hub', [
        `status ${response.status} and ${type} in place of events: ${said.slice(0, 300)}`,
      ])
    }
    const data = said.split('\n').flatMap((line) => (line.startsWith('data: ') ? [line.slice('data: '.length)] : []))
    const events = data.filter((text) => text !== done).map((text) => parsed(text) ?? {})
    this.result.events += events.length
    if (kind === 'responses') return this.checkResponse(question, events)
    for (const event of kind === 'text' ? events.map(ended) : events) {
      this.find(question, 'openai', this.checks.openai.violations(streamSchemas[kind], event))
    }
    if (data.at(-1) !== done) this.find(question, 'hub', [`the last event is ${data.at(-1) ?? 'none'}, not ${done}`])
  }

  private checkResponse(question: Question, events: Json[]): void {
    for (const publisher of publishers) {
      for (const event of events) {
        const seen = publisher === 'openai' ? event : withoutForm(event)
        this.find(question, publisher, this.checks[publisher].eventViolations(seen))
      }
    }
    const numbers = events.map(({ sequence_number: number }) => number as number)
    if (numbers.some((number, at) => at > 0 && number !== numbers[at - 1]! + 1)) {
      this.find(question, 'hub', [`events are numbered ${numbers.join(' ')}`])
    }
    const last = String(events.at(-1)?.type)
    if (!responseEnds.includes(last)) this.find(question, 'hub', [`the last event is ${last}`])
  }

  private find({ name, api }: Question, publisher: Violation['publisher'], messages: readonly string[]): void {
    for (const message of messages) this.result.violations.push({ question: `${api}: ${name}`, publisher, message })
  }
}

/** Open Responses describes the form of JSON that was asked for without its schema, OpenAI with it: no answer has both. */
function withoutForm(value: Json): Json {
  const { response, text } = value as { response?: Json; text?: { format?: { type?: unknown } } }
  if (response !== undefined) return { ...value, response: withoutForm(response) }
  return text?.format?.type === 'json_schema' ? { ...value, text: { ...text, format: { type: 'text' } } } : value
}

/** What is published knows no chunk before the last one, where OpenAI itself says that nothing has ended. */
function ended(chunk: Json): Json {
  const choices = (chunk.choices ?? []) as Json[]
  return { ...chunk, choices: choices.map((one) => ({ ...one, finish_reason: one.finish_reason ?? 'stop' })) }
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}
