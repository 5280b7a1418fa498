/**
 * A model of what carries messages between hubs, under a clock and a seed of its owner: messages are delayed, lost and
 * repeated as it is told, hubs are cut off and come back. With no trouble set it is the simplest bus there is, and
 * several hubs in one process meet over it.
 */
import type { BusListener, BusState, HubBus } from '../../../orchestrator/cluster/bus/bus.ts'
import { busBacklogBytesMax, hubMessageBytesMax } from '../../../shared/limits/cluster/bus.ts'
import type { System } from '../../../shared/system.ts'

interface ModelTrouble {
  /** Milliseconds that each message takes, drawn evenly up to the second; it may overtake others. */
  delayMs: [number, number]
  /** Shares of messages, 0 to 1. */
  lost: number
  repeated: number
}

export const noTrouble: ModelTrouble = { delayMs: [0, 0], lost: 0, repeated: 0 }

export class BusModel {
  private readonly joined = new Set<ModelBus>()
  /** Every message that was published, for who wants to show them again. */
  readonly record: { subject: string; message: Uint8Array }[] = []
  trouble: ModelTrouble = noTrouble

  constructor(readonly system: System) {}

  connect(): ModelBus {
    const bus = new ModelBus(this)
    this.joined.add(bus)
    return bus
  }

  leave(bus: ModelBus): void {
    this.joined.delete(bus)
  }

  carry(from: ModelBus | null, subject: string, message: Uint8Array): void {
    this.record.push({ subject, message })
    const { lost, repeated, delayMs } = this.trouble
    for (const bus of this.joined) {
      if (bus === from || this.system.random() < lost) continue
      for (let times = this.system.random() < repeated ? 2 : 1; times > 0; times--) {
        const lateMs = delayMs[0] + this.system.random() * (delayMs[1] - delayMs[0])
        const bring = () => bus.take(subject, message)
        if (lateMs === 0) this.system.soon(bring)
        else this.system.after(lateMs, bring)
      }
    }
  }
}

export class ModelBus implements HubBus {
  state: BusState = { isConnected: true, server: 'model' }
  private readonly subscriptions: { form: RegExp; listener: BusListener }[] = []
  private listener: (state: BusState) => void = () => {}
  /** Null while messages go through; else how much waits. */
  private stalled: { subject: string; message: Uint8Array }[] | null = null

  constructor(private readonly model: BusModel) {}

  onState(listener: (state: BusState) => void): void {
    this.listener = listener
  }

  publish(subject: string, message: Uint8Array): boolean {
    if (!this.state.isConnected || message.length > hubMessageBytesMax) return false
    const copy = Uint8Array.from(message)
    if (this.stalled === null) this.model.carry(this, subject, copy)
    else {
      const bytes = this.stalled.reduce((sum, waiting) => sum + waiting.message.length, message.length)
      if (bytes > busBacklogBytesMax) return false
      this.stalled.push({ subject, message: copy })
    }
    return true
  }

  subscribe(pattern: string, listener: BusListener): void {
    const form = new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '[^.]+')}$`)
    this.subscriptions.push({ form, listener })
  }

  async close(): Promise<void> {
    this.model.leave(this)
    this.enter({ isConnected: false, why: 'this hub is stopping' })
  }

  /** What is published while the server stands still waits, up to a bound. */
  stall(isStalled: boolean): void {
    const waiting = this.stalled ?? []
    this.stalled = isStalled ? [] : null
    for (const { subject, message } of waiting) this.model.carry(this, subject, message)
  }

  /** The hub is apart from every other one; or meets them again. */
  cut(isCut: boolean): void {
    this.enter(isCut ? { isConnected: false, why: 'the model cut it off' } : { isConnected: true, server: 'model' })
  }

  take(subject: string, message: Uint8Array): void {
    if (!this.state.isConnected) return
    for (const { form, listener } of this.subscriptions) if (form.test(subject)) listener(subject, message)
  }

  private enter(state: BusState): void {
    this.state = state
    this.listener(state)
  }
}
