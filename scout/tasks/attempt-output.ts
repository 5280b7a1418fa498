/**
 * What one attempt sends to the hub, in order: started, the chunks of its answer, its settlement. Lines are coalesced
 * into chunks while they wait, chunks are numbered, and everything is kept until the hub has acknowledged the
 * settlement, so that a new session can go on where the old one broke off. The executor writes, the outbox takes frame
 * by frame; when and over which socket they travel is the outbox's.
 */
import { unsentBytesMax } from '../../shared/limits/scout.ts'
import { bodyBytesMax, chunkFrameBytes, inlineBodyBytesMax } from '../../shared/limits/wire.ts'
import { fragmentsOf } from '../../shared/protocol/fragments.ts'
import type { FrameOf, ScoutFrame } from '../../shared/protocol/frames.ts'
import type { AnswerSigning } from './answer-signing.ts'
import type { Settlement } from './settlement.ts'

/**
 * | phase | entered | left | holds meanwhile |
 * |---|---|---|---|
 * | writing | when the task is accepted | by `settle`, once | lines may be added; the provider may be held back |
 * | settled | by `settle`, or by `resume` | when the settlement has left in full | nothing is added any more |
 * | sent | with the last byte of the settlement | by `resume` in a new session | kept for the acknowledgement |
 *
 * An attempt that is forgotten is dropped in whichever phase it is; the outbox does that.
 */
export type OutputPhase = 'writing' | 'settled' | 'sent'

const moves: Record<OutputPhase, readonly OutputPhase[]> = {
  writing: ['settled'],
  settled: ['sent'],
  sent: ['settled'],
}

/** What is kept of the items: `all`, so that a new session can resume, or only the `unsent` ones of a long answer. */
type Kept = 'all' | 'unsent'

interface Item {
  frame: FrameOf<'started'> | FrameOf<'chunk'> | FrameOf<'settle'>
  /** The whole body; it follows as fragments when the frame's own is null. */
  body: Uint8Array
}

const nothing = new Uint8Array(0)

export class AttemptOutput {
  readonly key: string
  /** Bytes kept for a resumption. */
  keptBytes = 0
  /** When the settlement was written; null while writing. */
  settledAtMs: number | null = null
  /** Lines taken so far. */
  lines = 0
  private items: Item[] = []
  /** The item whose frame, or whose fragments, come next. */
  private cursor = 0
  private fragments: Iterator<FrameOf<'fragment'>> | null = null
  private fragment: FrameOf<'fragment'> | null = null
  /** Lines not yet made into a chunk. */
  private pending: string[] = []
  private pendingBytes = 0
  private unsentBytes = 0
  private chunks = 0
  private offset = 0
  /** `unsent` once sent chunks were let go: such an attempt ends with its session. */
  private kept: Kept = 'all'
  private at: OutputPhase = 'writing'
  /** Whether the client reads too slowly at the moment. */
  private paused = false
  /** Whether a sign of life is due that is not worth keeping. */
  private sign = false
  /** The provider that was asked last; empty before the first. */
  private provider = ''
  private waiters: (() => void)[] = []

  constructor(
    readonly task: number,
    readonly attempt: number,
    readonly nonce: Uint8Array,
    /** Null where the answer is not signed. */
    private readonly signing: AnswerSigning | null = null,
  ) {
    this.key = keyOf(task, attempt)
  }

  get phase(): OutputPhase {
    return this.at
  }

  get resumable(): boolean {
    return this.kept === 'all'
  }

  /** Whether there is something to send. */
  get busy(): boolean {
    return this.cursor < this.items.length || this.pending.length > 0 || this.sign
  }

  /** A provider is asked. The hub is sent its name at once when it is not the one of the offer. */
  asked(provider: string, isExpected: boolean): void {
    this.provider = provider
    if (!isExpected) this.started()
  }

  /** Nothing was sent for a while: the hub gets a sign of life. */
  startedIfSilent(): void {
    if (this.at === 'writing' && this.items.length === 0 && this.pending.length === 0) this.started()
  }

  /** The provider is still waited for: the hub gets another sign of life, unless something waits to be sent anyway. */
  alive(): void {
    if (this.at === 'writing' && !this.busy) this.sign = true
  }

  private started(): void {
    this.items.push({ frame: this.startedFrame(), body: nothing })
  }

  private startedFrame(): FrameOf<'started'> {
    const { task, attempt, provider } = this
    return { type: 'started', task, attempt, provider }
  }

  /** Takes one line of a streamed answer. */
  line(json: string): void {
    this.signing?.line(json)
    const bytes = Buffer.byteLength(json) + 1
    if (this.pendingBytes + bytes > chunkFrameBytes) this.seal()
    this.pending.push(json)
    this.pendingBytes += bytes
    this.unsentBytes += bytes
    this.lines++
  }

  settle(settlement: Settlement, nowMs: number): void {
    this.enter('settled')
    this.sign = false
    this.seal()
    this.settledAtMs = nowMs
    const { task, attempt, nonce, chunks, provider } = this
    const { body, outcome } = settlement
    const signature = outcome === 'done' ? this.signing?.end({ task, attempt, nonce }, body) : null
    const head = { task, attempt, nonce, chunks, provider, credits: 0, ...settlement }
    const size = body.length
    this.add({ frame: { type: 'settle', ...head, size, body: inline(body), ...(signature && { signature }) }, body })
    this.unsentBytes += body.length
    this.release()
  }

  /** Size of the next frame and whether it counts as data; null when there is none. */
  peek(): { data: boolean; bytes: number } | null {
    if (this.fragment !== null) return { data: true, bytes: this.fragment.bytes.length }
    if (this.cursor === this.items.length) this.seal()
    const item = this.items[this.cursor]
    if (item === undefined) return this.sign ? { data: false, bytes: 0 } : null
    return { data: item.frame.type === 'chunk', bytes: inline(item.body)?.length ?? 0 }
  }

  /** The next frame, counted as sent; only after `peek` has shown that there is one. */
  take(): ScoutFrame {
    const sent = this.fragment
    if (sent !== null) {
      this.sent(sent.bytes.length)
      this.follow()
      return sent
    }
    const item = this.items[this.cursor]
    if (item === undefined) {
      this.sign = false
      return this.startedFrame()
    }
    if (item.frame.type !== 'started' && item.frame.body === null) {
      this.fragments = fragmentsOf(this.task, this.attempt, item.body)
      this.follow()
    } else {
      this.sent(item.body.length)
      this.next()
    }
    return item.frame
  }

  /** Sends the chunks from `chunk` on again in a new session. False when they are not kept any more. */
  resume(chunk: number): boolean {
    if (!this.resumable || chunk > this.chunks) return false
    const from = this.items.findIndex(({ frame }) => frame.type === 'chunk' && frame.seq === chunk)
    const afterChunks = this.settledAtMs === null ? this.items.length : this.items.length - 1
    this.cursor = chunk === 0 ? 0 : from === -1 ? afterChunks : from
    if (this.at === 'sent') this.enter('settled')
    this.fragments = null
    this.fragment = null
    this.sign = false
    this.unsentBytes = this.pendingBytes
    for (let i = this.cursor; i < this.items.length; i++) this.unsentBytes += this.items[i]!.body.length
    this.pause(false)
    return true
  }

  /** The client reads slowly, or again. */
  pause(paused: boolean): void {
    this.paused = paused
    this.release()
  }

  /** Whether the provider has to wait before its next line. */
  get held(): boolean {
    return this.at === 'writing' && (this.paused || this.unsentBytes > unsentBytesMax)
  }

  /** Resolves when `held` may have changed. */
  change(): Promise<void> {
    return new Promise((resolve) => this.waiters.push(resolve))
  }

  /** Resolves every `change`. */
  release(): void {
    const waiters = this.waiters
    this.waiters = []
    for (const resolve of waiters) resolve()
  }

  private seal(): void {
    if (this.pending.length === 0) return
    const body = Buffer.from(`${this.pending.join('\n')}\n`)
    const { task, attempt, chunks: seq, offset } = this
    this.add({ frame: { type: 'chunk', task, attempt, seq, offset, size: body.length, body: inline(body) }, body })
    this.chunks++
    this.offset += body.length
    this.pending = []
    this.pendingBytes = 0
  }

  private add(item: Item): void {
    this.items.push(item)
    this.keptBytes += item.body.length
    this.letGo()
  }

  /** An answer too long to be kept whole is kept only as far as it is unsent. */
  private letGo(): void {
    if (this.kept === 'all' && this.offset <= bodyBytesMax) return
    this.kept = 'unsent'
    for (const { body } of this.items.splice(0, this.cursor)) this.keptBytes -= body.length
    this.cursor = 0
  }

  private follow(): void {
    const next = this.fragments!.next()
    if (!next.done) {
      this.fragment = next.value
      return
    }
    this.fragments = null
    this.fragment = null
    this.next()
  }

  /** The item at the cursor has left in full. */
  private next(): void {
    this.cursor++
    if (this.at === 'settled' && !this.busy) this.enter('sent')
    this.letGo()
  }

  private sent(bytes: number): void {
    this.unsentBytes -= bytes
    if (this.waiters.length > 0 && !this.held) this.release()
  }

  private enter(next: OutputPhase): void {
    if (!moves[this.at].includes(next)) throw new Error(`the output of an attempt cannot go from ${this.at} to ${next}`)
    this.at = next
  }
}

/** Names an attempt. */
export function keyOf(task: number, attempt: number): string {
  return `${task}/${attempt}`
}

function inline(body: Uint8Array): Uint8Array | null {
  return body.length <= inlineBodyBytesMax ? body : null
}
