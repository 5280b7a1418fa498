/**
 * What happened in one run, as a hash: two runs of the same seed must have the same one. On request it prints every
 * event, for whoever replays a failure.
 */
import type { StoreWrite } from '../../orchestrator/engine/ports/store.ts'
import type { HubFrame } from '../../shared/protocol/frames.ts'

export class Trace {
  private high = 0x9e3779b9
  private low = 0x85ebca6b

  /** `print` receives one line per event; null keeps the hash alone. */
  constructor(readonly print: ((line: string) => void) | null = null) {}

  mix(value: number): void {
    const whole = Math.floor(value)
    this.low = Math.imul(this.low ^ whole, 0x01000193) ^ (this.high >>> 15)
    this.high = Math.imul(this.high ^ Math.floor((value - whole) * 0x100000000) ^ this.low, 0x9e3779b1)
  }

  bytes(message: Uint8Array): void {
    this.mix(Bun.hash.xxHash32(message))
  }

  get digest(): string {
    const hex = (half: number) => (half >>> 0).toString(16).padStart(8, '0')
    return hex(this.high) + hex(this.low)
  }
}

/** A frame, in words. */
export function wordsOf(frame: HubFrame): string {
  if (frame.type === 'welcome') return `welcome ${frame.held.map((held) => held.slice(0, 3).join('/')).join(' ')}`
  if (frame.type === 'settled') return `settled ${frame.acks.map((ack) => ack.join('/')).join(' ')}`
  return 'task' in frame ? `${frame.type} ${frame.task}/${frame.attempt}` : frame.type
}

/** A write, in words. */
export function wordsOfWrite(write: StoreWrite): string {
  if (write.write === 'event') return `event ${write.event.type}`
  return 'task' in write ? `${write.write} ${write.task}` : write.write
}
