/**
 * The built-in demo provider: it answers without a model, says so, and gives the same text for the same messages and
 * seed. It lets anyone try the network without a key, and drives the tests and the fleet simulator by the thousand in
 * one process, so it keeps no state but a counter and, at full speed, sets no timers. Reading requests, making text
 * and making JSON are in the files beside it.
 */
import { fault } from '../../../shared/faults.ts'
import type { System } from '../../../shared/system.ts'
import { type Offer, offerOf } from '../../../shared/task.ts'
import { kindOf } from '../models/model-offers.ts'
import {
  type AnswerWriter,
  type Provider,
  type ProviderAnswer,
  ProviderError,
  type ProviderRequest,
} from '../provider.ts'
import { type Dice, diceOf, seedOf } from './dice.ts'
import { type DemoChat, readChat, readEmbedding, readJson, splitPrefix } from './request.ts'
import { choiceOf, type DemoChoice, logprobsOf } from './text.ts'

export interface DemoSettings {
  /** Another seed gives other answers and other failures. */
  seed: number
  /** Names to offer; those that sound like embedding models are offered as such. */
  models: string[]
  /** Wait before the first token. */
  firstTokenMs: number
  /** 0: as fast as possible. */
  tokensPerSecond: number
  /** Length of a text answer. */
  tokens: number
  /** Share of requests that fail before the first token, 0 to 1. */
  failureRate: number
}

export const demoDefaults: Readonly<DemoSettings> = {
  seed: 1,
  models: ['demo-small', 'demo-large', 'demo-embed'],
  firstTokenMs: 100,
  tokensPerSecond: 100,
  tokens: 64,
  failureRate: 0,
}

/** At full speed, other work gets a turn after this many lines. */
const linesPerTurn = 64

export class DemoProvider implements Provider {
  readonly name = 'demo'
  readonly #settings: Readonly<DemoSettings>
  readonly #system: System
  #asked = 0

  constructor(settings: Readonly<DemoSettings>, system: System) {
    this.#settings = settings
    this.#system = system
  }

  async discover(): Promise<Offer[]> {
    return this.#settings.models.map((model) => offerOf({ kind: kindOf(model), model, provider: this.name }))
  }

  async answer(request: ProviderRequest, writer: AnswerWriter, signal: AbortSignal): Promise<ProviderAnswer> {
    signal.throwIfAborted()
    const { seed, models, failureRate, firstTokenMs } = this.#settings
    const { kind, model } = request
    if (!models.includes(model) || kindOf(model) !== kind) {
      throw new ProviderError(
        fault('not_offered', `the demo provider does not offer ${model} for this kind of request`),
      )
    }
    const chance = diceOf(seedOf(String(this.#asked++), seed))()
    const json = readJson(request.body)
    if (kind === 'embed') {
      const answer = embeddingAnswer(json, seed)
      await this.#wait(firstTokenMs, signal)
      this.#failBy(chance, failureRate)
      return { json: answer }
    }
    const talk = splitPrefix(json)
    const chat = readChat(talk.json, talk.prefix)
    // Of the messages alone, so that streamed or not, through this adapter or that, the same talk has the same answer.
    const talkSeed = seedOf(JSON.stringify(talk.json.messages), seed)
    const choices = Array.from({ length: chat.count }, (_, index) =>
      choiceOf(chat, this.#settings.tokens, diceOf(talkSeed + index)),
    )
    await this.#wait(firstTokenMs, signal)
    this.#failBy(chance, failureRate)
    const dice = diceOf(talkSeed)
    const usage = usageOf(chat, choices)
    if (request.stream) {
      await this.#stream(chat, choices, dice, writer, signal)
      return { json: `{"choices":[],"usage":${usage}}` }
    }
    await this.#wait(this.#durationMs(longest(choices)), signal)
    return {
      json: `{"choices":[${choices.map((choice, index) => whole(chat, choice, index, dice))}],"usage":${usage}}`,
    }
  }

  async #stream(chat: DemoChat, choices: DemoChoice[], dice: Dice, writer: AnswerWriter, signal: AbortSignal) {
    const line = (index: number, delta: string, finish: string | null, logprobs = 'null') => {
      const end = finish === null ? 'null' : `"${finish}"`
      return writer.line(
        `{"choices":[{"index":${index},"delta":${delta},"finish_reason":${end},"logprobs":${logprobs}}]}`,
      )
    }
    for (const [index, choice] of choices.entries()) await line(index, firstDelta(choice), null)
    const beganMs = this.#system.nowMs()
    const steps = longest(choices)
    let lines = 0
    for (let step = 0; step <= steps; step++) {
      // By the clock and not by a pause after each token, so that late timers do not add up.
      await this.#wait(beganMs + this.#durationMs(step) - this.#system.nowMs(), signal)
      for (const [index, { pieces, call, finish }] of choices.entries()) {
        const piece = pieces[step]
        if (piece !== undefined)
          await line(index, pieceDelta(piece, call !== null), null, streamedLogprobs(chat, piece, dice))
        else if (step === pieces.length) await line(index, '{}', finish)
        if (++lines % linesPerTurn === 0) await new Promise<void>((resolve) => this.#system.soon(resolve))
        signal.throwIfAborted()
      }
    }
  }

  #durationMs(tokens: number): number {
    const { tokensPerSecond } = this.#settings
    return tokensPerSecond === 0 ? 0 : (tokens * 1_000) / tokensPerSecond
  }

  #failBy(chance: number, failureRate: number): void {
    if (chance >= failureRate) return
    throw new ProviderError(
      fault('provider_unavailable', 'the demo provider fails now and then, as DEMO_FAILURE_RATE says'),
    )
  }

  #wait(waitMs: number, signal: AbortSignal): Promise<void> | undefined {
    if (waitMs <= 0) return undefined
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        timer.cancel()
        reject(signal.reason)
      }
      const timer = this.#system.after(waitMs, () => {
        signal.removeEventListener('abort', giveUp)
        resolve()
      })
      if (signal.aborted) giveUp()
      else signal.addEventListener('abort', giveUp, { once: true })
    })
  }
}

function longest(choices: readonly DemoChoice[]): number {
  return choices.reduce((most, { pieces }) => Math.max(most, pieces.length), 0)
}

function firstDelta({ call }: DemoChoice): string {
  if (!call) return '{"role":"assistant","content":""}'
  return JSON.stringify({ role: 'assistant', content: null, tool_calls: [{ index: 0, ...calling(call, '') }] })
}

function pieceDelta(piece: string, isCall: boolean): string {
  const text = JSON.stringify(piece)
  return isCall ? `{"tool_calls":[{"index":0,"function":{"arguments":${text}}}]}` : `{"content":${text}}`
}

function calling({ id, name }: { id: string; name: string }, given: string): object {
  return { id, type: 'function', function: { name, arguments: given } }
}

function streamedLogprobs({ alternatives }: DemoChat, piece: string, dice: Dice): string {
  if (alternatives === null) return 'null'
  return JSON.stringify({ content: [logprobsOf(piece, alternatives, dice)], refusal: null })
}

function whole({ alternatives }: DemoChat, { pieces, call, finish }: DemoChoice, index: number, dice: Dice): string {
  const text = pieces.join('')
  const message = call
    ? { role: 'assistant', content: null, refusal: null, tool_calls: [calling(call, text)] }
    : { role: 'assistant', content: text, refusal: null }
  const logprobs =
    alternatives === null || call
      ? null
      : { content: pieces.map((piece) => logprobsOf(piece, alternatives, dice)), refusal: null }
  return JSON.stringify({ index, message, finish_reason: finish, logprobs })
}

function usageOf({ promptTokens }: DemoChat, choices: readonly DemoChoice[]): string {
  const completion = choices.reduce((sum, { pieces }) => sum + pieces.length, 0)
  const total = promptTokens + completion
  return JSON.stringify({ prompt_tokens: promptTokens, completion_tokens: completion, total_tokens: total })
}

function embeddingAnswer(json: Record<string, unknown>, seed: number): string {
  const { inputs, promptTokens, dimensions, isBase64 } = readEmbedding(json)
  const rows = inputs.map((input, index) => {
    const vector = unitVector(dimensions, diceOf(seedOf(input, seed)))
    const embedding = isBase64 ? Buffer.from(vector.buffer).toString('base64') : [...vector]
    return { object: 'embedding', index, embedding }
  })
  return JSON.stringify({ data: rows, usage: { prompt_tokens: promptTokens, total_tokens: promptTokens } })
}

function unitVector(dimensions: number, dice: Dice): Float32Array {
  const vector = new Float32Array(dimensions)
  let squares = 0
  for (let index = 0; index < dimensions; index++) {
    const value = dice() - 0.5
    vector[index] = value
    squares += value * value
  }
  const scale = 1 / Math.sqrt(squares || 1)
  for (let index = 0; index < dimensions; index++) vector[index]! *= scale
  return vector
}
