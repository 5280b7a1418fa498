/**
 * A model's reasoning, as it is streamed by providers that show it. It is given as the item's summary: that is the one
 * form for it that both published descriptions of the API have events for, and the one that clients show.
 */
import { outputItemId } from './item-ids.ts'
import type { ItemStatus, Slot } from './slot.ts'

type Json = Record<string, unknown>

export class ReasoningItem {
  readonly place: number
  private readonly id: string
  private text = ''

  constructor(private readonly slot: Slot) {
    this.place = slot.place
    this.id = outputItemId('reasoning', slot.response, slot.place)
    slot.emit('response.output_item.added', { output_index: this.place, item: this.item([]) })
    slot.emit('response.reasoning_summary_part.added', { ...this.at(), part: summaryPart('') })
  }

  add(text: string): void {
    this.text += text
    this.slot.emit('response.reasoning_summary_text.delta', this.at(), text)
  }

  close(_: ItemStatus): Json {
    const { emit } = this.slot
    const part = summaryPart(this.text)
    emit('response.reasoning_summary_text.done', { ...this.at(), text: this.text })
    emit('response.reasoning_summary_part.done', { ...this.at(), part })
    const item = this.item([part])
    emit('response.output_item.done', { output_index: this.place, item })
    return item
  }

  private at(): Json {
    return { item_id: this.id, output_index: this.place, summary_index: 0 }
  }

  private item(summary: Json[]): Json {
    return { type: 'reasoning', id: this.id, summary }
  }
}

function summaryPart(text: string): Json {
  return { type: 'summary_text', text }
}
