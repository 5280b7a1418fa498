/**
 * Asks an OpenAI-compatible service one question at a time, no faster than it was told to, and waits when the service
 * says so. Its responses are bounded and believed to be nothing but text; the key is in no message.
 */
import {
  calibrationResponseBytesMax,
  calibrationRetryMs,
  calibrationRetryMsMax,
  calibrationTimeoutMs,
  calibrationTokensMax,
  calibrationTriesMax,
} from '../../../shared/limits/trust/calibration.ts'
import { boundedText } from '../../../shared/network/bounded-text.ts'
import { fetchProxy } from '../../../shared/network/proxy-rule.ts'
import type { System } from '../../../shared/system.ts'

type Reply = { text: string } | { flaw: string; isFinal: boolean; retryAfterMs: number }

export class ModelService {
  private nextMs = 0

  constructor(
    private readonly system: System,
    private readonly url: string,
    private readonly key: string,
    perSecond: number,
    private readonly everyMs = 1_000 / perSecond,
  ) {}

  /** The text of the answer; a sentence when there is none after several tries. */
  async ask(model: string, prompt: string): Promise<{ text: string } | { flaw: string }> {
    for (let tries = 1; ; tries++) {
      await this.turn()
      const reply = await this.send(model, prompt)
      if ('text' in reply) return reply
      if (reply.isFinal || tries >= calibrationTriesMax) return { flaw: reply.flaw }
      const waitMs = Math.max(reply.retryAfterMs, calibrationRetryMs * 2 ** (tries - 1))
      this.nextMs = Math.max(this.nextMs, this.system.nowMs() + Math.min(calibrationRetryMsMax, waitMs))
    }
  }

  /** Not sooner than the pace allows. */
  private async turn(): Promise<void> {
    const waitMs = this.nextMs - this.system.nowMs()
    this.nextMs = Math.max(this.nextMs, this.system.nowMs()) + this.everyMs
    if (waitMs > 0) await new Promise<void>((resolve) => this.system.after(waitMs, resolve))
  }

  private async send(model: string, prompt: string): Promise<Reply> {
    const messages = [{ role: 'user', content: prompt }]
    const body = JSON.stringify({ model, messages, max_tokens: calibrationTokensMax })
    const url = `${this.url}/chat/completions`
    const headers = {
      'content-type': 'application/json',
      ...(this.key !== '' && { authorization: `Bearer ${this.key}` }),
    }
    try {
      const signal = AbortSignal.timeout(calibrationTimeoutMs)
      const proxy = fetchProxy(url, process.env)
      const response = await fetch(url, {
        method: 'POST',
        headers,
        body,
        signal,
        redirect: 'error',
        ...(proxy && { proxy }),
      })
      const text = await boundedText(response, calibrationResponseBytesMax)
      if (text === null) return failed(`${model} answers with more than ${calibrationResponseBytesMax} bytes.`, true)
      return response.ok ? answerIn(model, text) : refused(model, response)
    } catch (error) {
      return failed(`${this.url} cannot be reached for ${model}: ${(error as Error).name}.`, false)
    }
  }
}

function answerIn(model: string, body: string): Reply {
  try {
    const { choices } = JSON.parse(body) as { choices?: { message?: { content?: unknown } }[] }
    const content = choices?.[0]?.message?.content
    if (typeof content === 'string') return { text: content }
  } catch {
    // The sentence below says it.
  }
  return failed(`${model} answers with something that is no chat completion.`, true)
}

function refused(model: string, { status, headers }: Response): Reply {
  const isFinal = status !== 429 && status !== 408 && status < 500
  const seconds = Number(headers.get('retry-after') ?? 0)
  const flaw = `${model} is refused with ${status}.`
  return failed(flaw, isFinal, Number.isFinite(seconds) ? seconds * 1_000 : 0)
}

function failed(flaw: string, isFinal: boolean, retryAfterMs = 0): Reply {
  return { flaw, isFinal, retryAfterMs }
}
