/**
 * A message of the model while it grows: parts of text and of refusal, in the order in which they came, each with its
 * events. Probabilities of tokens and citations belong to the text.
 */
import { outputItemId } from './item-ids.ts'
import { citationsIn, logprobsIn } from './output-marks.ts'
import type { ItemStatus, Slot } from './slot.ts'

type Json = Record<string, unknown>
type Kind = 'output_text' | 'refusal'

const names = { output_text: 'response.output_text', refusal: 'response.refusal' } as const

export class MessageItem {
  readonly place: number
  private readonly id: string
  /** Parts that are whole. */
  private readonly content: Json[] = []
  private kind: Kind | null = null
  /** Of the part under way. */
  private text = ''
  private logprobs: Json[] = []
  private annotations: Json[] = []

  constructor(private readonly slot: Slot) {
    this.place = slot.place
    this.id = outputItemId('message', slot.response, slot.place)
    slot.emit('response.output_item.added', { output_index: this.place, item: this.item('in_progress') })
  }

  say(text: string, logprobs?: unknown): void {
    this.open('output_text')
    this.text += text
    const more = logprobsIn(logprobs)
    for (const one of more) this.logprobs.push(one)
    if (text !== '') this.slot.emit('response.output_text.delta', { ...this.at(), logprobs: more }, text)
  }

  refuse(text: string): void {
    this.open('refusal')
    this.text += text
    this.slot.emit('response.refusal.delta', this.at(), text)
  }

  annotate(found: readonly unknown[]): void {
    if (this.kind !== 'output_text') return
    for (const annotation of citationsIn(found)) {
      const index = this.annotations.push(annotation) - 1
      this.slot.emit('response.output_text.annotation.added', { ...this.at(), annotation_index: index, annotation })
    }
  }

  close(status: ItemStatus): Json {
    this.closePart()
    const item = this.item(status)
    this.slot.emit('response.output_item.done', { output_index: this.place, item })
    return item
  }

  private open(kind: Kind): void {
    if (this.kind === kind) return
    this.closePart()
    this.kind = kind
    this.slot.emit('response.content_part.added', { ...this.at(), part: this.part(kind) })
  }

  private closePart(): void {
    const { kind, text } = this
    if (kind === null) return
    const whole = kind === 'refusal' ? { refusal: text } : { text, logprobs: this.logprobs }
    this.slot.emit(`${names[kind]}.done`, { ...this.at(), ...whole })
    const part = this.part(kind)
    this.slot.emit('response.content_part.done', { ...this.at(), part })
    this.content.push(part)
    this.kind = null
    this.text = ''
    this.logprobs = []
    this.annotations = []
  }

  private part(kind: Kind): Json {
    const { text, annotations, logprobs } = this
    return kind === 'refusal' ? { type: kind, refusal: text } : { type: kind, text, annotations, logprobs }
  }

  private at(): Json {
    return { item_id: this.id, output_index: this.place, content_index: this.content.length }
  }

  private item(status: ItemStatus | 'in_progress'): Json {
    return { type: 'message', id: this.id, status, role: 'assistant', content: [...this.content] }
  }
}
