/**
 * A call of a tool while it grows. A function's arguments are passed on as they come. The text for a custom tool is
 * inside such arguments, so it is given once they are whole. Nothing is shown of a call before its name is known.
 */
import { customInput } from './custom-tool.ts'
import { outputItemId } from './item-ids.ts'
import type { ItemStatus, Slot } from './slot.ts'
import type { ToolName, ToolNames } from './tool-names.ts'

type Json = Record<string, unknown>

export class OutputCall {
  readonly place: number
  private callId = ''
  private name = ''
  private sent = ''
  private isShown = false

  constructor(
    private readonly slot: Slot,
    private readonly toolNames: ToolNames,
  ) {
    this.place = slot.place
  }

  add({ id, function: called }: Json): void {
    const { name, arguments: more } = (called ?? {}) as Json
    if (typeof id === 'string' && id !== '') this.callId = id
    if (!this.isShown && typeof name === 'string') this.name += name
    const piece = typeof more === 'string' ? more : ''
    const wasShown = this.isShown
    this.sent += piece
    if (this.name === '') return
    if (!wasShown) this.show()
    this.grow(wasShown ? piece : this.sent)
  }

  /** Whether its arguments are complete, as far as can be seen. */
  get isWhole(): boolean {
    if (!this.sent.endsWith('}')) return false
    try {
      JSON.parse(this.sent)
      return true
    } catch {
      return false
    }
  }

  close(status: ItemStatus): Json {
    if (!this.isShown) this.show()
    const { emit } = this.slot
    const item = this.item(status, this.sent)
    if (this.known.isCustom) {
      const input = item.input as string
      if (input !== '') emit('response.custom_tool_call_input.delta', this.at(), input)
      emit('response.custom_tool_call_input.done', { ...this.at(), input })
    } else emit('response.function_call_arguments.done', { ...this.at(), name: this.known.name, arguments: this.sent })
    emit('response.output_item.done', { output_index: this.place, item })
    return item
  }

  /** A model may call what it was not given. */
  private get known(): ToolName {
    return this.toolNames.get(this.name) ?? { name: this.name, namespace: null, isCustom: false }
  }

  private get id(): string {
    return outputItemId(this.known.isCustom ? 'custom_tool_call' : 'function_call', this.slot.response, this.place)
  }

  private show(): void {
    this.isShown = true
    if (this.callId === '') this.callId = `call_${this.slot.response.slice('resp_'.length)}_${this.place}`
    this.slot.emit('response.output_item.added', { output_index: this.place, item: this.item('in_progress', '') })
  }

  private grow(piece: string): void {
    if (piece !== '' && !this.known.isCustom) this.slot.emit('response.function_call_arguments.delta', this.at(), piece)
  }

  private at(): Json {
    return { item_id: this.id, output_index: this.place }
  }

  private item(status: ItemStatus | 'in_progress', sent: string): Json {
    const { id, callId } = this
    const { name, namespace, isCustom } = this.known
    const named = { id, call_id: callId, name, ...(namespace !== null && { namespace }) }
    if (!isCustom) return { type: 'function_call', ...named, arguments: sent, status }
    return { type: 'custom_tool_call', ...named, input: sent === '' ? '' : customInput(sent), status }
  }
}
