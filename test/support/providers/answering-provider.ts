/** A provider that answers as a function says: for scouts that are honest, noisy, or cheats. */
import type { AnswerWriter, Provider, ProviderAnswer, ProviderRequest } from '../../../scout/providers/provider.ts'
import { type Offer, offerOf } from '../../../shared/task.ts'

/** What it says to the last turn of a request. */
export type Saying = (question: string) => string

export class AnsweringProvider implements Provider {
  /** Bodies of what it was asked, in order. */
  readonly bodies: string[] = []

  constructor(
    private readonly say: Saying,
    readonly name = 'answering',
    private readonly model = 'm',
  ) {}

  async discover(): Promise<Offer[]> {
    return [offerOf({ kind: 'chat', model: this.model, provider: this.name })]
  }

  async answer({ body, stream }: ProviderRequest, writer: AnswerWriter): Promise<ProviderAnswer> {
    const text = Buffer.from(body).toString('utf8')
    this.bodies.push(text)
    const { messages } = JSON.parse(text) as { messages: { content: string }[] }
    const content = this.say(messages.at(-1)?.content ?? '')
    const finish = { index: 0, finish_reason: 'stop' }
    if (!stream) {
      const message = { role: 'assistant', content }
      return { json: JSON.stringify({ choices: [{ ...finish, message }] }) }
    }
    await writer.line(JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: null }] }))
    await writer.line(JSON.stringify({ choices: [{ ...finish, delta: {} }] }))
    return { json: '{"choices":[]}' }
  }
}
