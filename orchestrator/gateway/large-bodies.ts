/**
 * Bodies larger than a frame, for one session: fragments from the scout are put together, bodies for it are taken apart
 * and sent at the pace at which it takes them. A session makes these two with its first such body; most never do. What
 * is put together is counted in the account of its operator, fragment by fragment as they arrive.
 */
import type { ByteAccount } from '../../shared/byte-account.ts'
import { type Fault, fault } from '../../shared/faults.ts'
import * as wireLimits from '../../shared/limits/wire.ts'
import { Assembly, fragmentsOf } from '../../shared/protocol/fragments.ts'
import type { FrameOf } from '../../shared/protocol/frames.ts'

export type BodyFrame = FrameOf<'chunk'> | FrameOf<'settle'>
type Fragment = FrameOf<'fragment'>

/** A body of which fragments are still to come, with the frame that announced it. */
interface Incoming {
  head: BodyFrame
  assembly: Assembly
  /** When it has to be complete. */
  dueMs: number
}

const tooMuch = fault('scout_error', 'The scout sent too many large answers at once.')
const noRoom = fault('hub_overloaded', 'The orchestrator had no room for a large answer: ask again.')
const tooSlow = fault('scout_error', 'A large answer of the scout did not arrive in time.')
const misfit = fault('chunk_gap', 'The fragments of a large answer do not fit together.')

export class IncomingBodies {
  /** By task and attempt. */
  private readonly bodies = new Map<string, Incoming>()
  private announcedBytes = 0

  constructor(
    private readonly operator: string,
    private readonly bytesInFlight: ByteAccount,
    /** An attempt whose body will not be complete. */
    private readonly broken: (head: BodyFrame, cause: Fault) => void,
  ) {}

  /** Whether fragments of this attempt are awaited. */
  has(frame: BodyFrame | Fragment): boolean {
    return this.bodies.size > 0 && this.bodies.has(keyOf(frame))
  }

  /** Awaits the fragments that follow this head. */
  begin(head: BodyFrame, nowMs: number): void {
    if (this.announcedBytes + head.size > wireLimits.assemblyBytesMax) return this.broken(head, tooMuch)
    const timeMs = wireLimits.fragmentedBodyMs + (head.size / wireLimits.fragmentedBytesPerSecond) * 1_000
    this.bodies.set(keyOf(head), { head, assembly: new Assembly(head.size), dueMs: nowMs + timeMs })
    this.announcedBytes += head.size
  }

  /** Takes a fragment of a body that is awaited. The body with its head when it is complete; null when it broke. */
  add(fragment: Fragment): { head: BodyFrame; body: Uint8Array } | 'more' | null {
    const key = keyOf(fragment)
    const incoming = this.bodies.get(key)!
    const refused = this.makeRoom(incoming.assembly, fragment.bytes)
    if (refused !== null) return this.giveUp(key, incoming, refused)
    const state = incoming.assembly.add(fragment.index, fragment.bytes)
    if (state === 'more') return 'more'
    if (state === 'broken') return this.giveUp(key, incoming, misfit)
    this.remove(key, incoming)
    return { head: incoming.head, body: incoming.assembly.body() }
  }

  /** Counts what the next piece makes an assembly grow by. */
  private makeRoom(assembly: Assembly, bytes: Uint8Array): Fault | null {
    const growth = assembly.heldWith(bytes) - assembly.heldBytes
    if (growth === 0) return null
    const refused = this.bytesInFlight.take(this.operator, growth)
    if (refused === null) return null
    return refused === 'share' ? tooMuch : noRoom
  }

  /** The attempt was given up: the rest of its body is not awaited. */
  forget(frame: BodyFrame): void {
    const key = keyOf(frame)
    const incoming = this.bodies.get(key)
    if (incoming !== undefined) this.remove(key, incoming)
  }

  /** Gives up bodies that are not complete in time. */
  dropLate(nowMs: number): void {
    for (const [key, incoming] of this.bodies) if (nowMs >= incoming.dueMs) this.giveUp(key, incoming, tooSlow)
  }

  /** Awaits nothing any more. */
  clear(): void {
    for (const [key, incoming] of this.bodies) this.remove(key, incoming)
  }

  private giveUp(key: string, incoming: Incoming, cause: Fault): null {
    this.remove(key, incoming)
    this.broken(incoming.head, cause)
    return null
  }

  private remove(key: string, { head, assembly }: Incoming): void {
    this.bodies.delete(key)
    this.announcedBytes -= head.size
    this.bytesInFlight.give(this.operator, assembly.heldBytes)
  }
}

function keyOf({ task, attempt }: BodyFrame | Fragment): string {
  return `${task}/${attempt}`
}

/** What the pacing needs of a session. */
interface Line {
  /** Bytes queued towards the scout. */
  buffered(): number
  write(fragment: Fragment): void
  /** Sends a ping and returns its number. */
  ping(): number
  /** The newest ping that was answered. */
  ponged(): number
}

/** Fragments still to be sent. */
interface Outgoing {
  task: number
  attempt: number
  fragments: Iterator<Fragment>
}

export class OutgoingBodies {
  private queue: Outgoing[] = []
  /** The ping behind the last full stretch of fragments, and the bytes of fragments sent since. */
  private mark = 0
  private stretchBytes = 0

  constructor(private readonly line: Line) {}

  add(task: number, attempt: number, body: Uint8Array): void {
    this.queue.push({ task, attempt, fragments: fragmentsOf(task, attempt, body) })
    this.pump()
  }

  /** The rest of this attempt's body is not sent. */
  drop(task: number, attempt: number): void {
    if (this.queue.length === 0) return
    this.queue = this.queue.filter((body) => body.task !== task || body.attempt !== attempt)
  }

  clear(): void {
    this.queue = []
  }

  /** Sends fragments while there is room; call again when there may be more. One of each body in turn. */
  pump(): void {
    while (this.mayPush()) {
      const next = this.queue.shift()!
      const { done, value } = next.fragments.next()
      if (done) continue
      // Behind the others before it is sent: a write may find the socket dead, and then nothing is left to send.
      this.queue.push(next)
      this.stretchBytes += value.bytes.length
      this.line.write(value)
    }
  }

  /** Marks every stretch of fragments with a ping; the next one but one waits until that has been answered. */
  private mayPush(): boolean {
    const { line } = this
    if (this.queue.length === 0 || line.buffered() >= wireLimits.fragmentBacklogBytes) return false
    if (this.stretchBytes < wireLimits.fragmentStretchBytes) return true
    if (line.ponged() < this.mark) return false
    this.stretchBytes = 0
    this.mark = line.ping()
    // The ping may have found the socket dead.
    return this.queue.length > 0
  }
}
