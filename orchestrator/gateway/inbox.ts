/**
 * Messages of scouts on their way to their sessions. Most are read as they come; what is more than one turn of the loop
 * has time for waits here, in the order of its socket and in rotation between the sockets; small ones of sockets of
 * which nothing waits are still read. So a scout that sends much holds up itself and nobody else: the runtime hands
 * over up to half a MiB of every socket in one turn, and lets no scout wait. The gateway brings messages and the ends
 * of sockets, and is called back when it is their turn.
 */
import {
  inboxBytesInAllMax,
  inboxBytesMax,
  inboxBytesPerTurn,
  inboxLightBytes,
  inboxMessageBytes,
  inboxShareBytes,
} from '../../shared/limits/wire.ts'
import type { System } from '../../shared/system.ts'

type Message = Uint8Array | string

/** What waits of one socket. */
interface Line {
  messages: Message[]
  /** Of them, those that have been read. */
  read: number
  /** Of those that have not, with what each costs beside its bytes. */
  bytes: number
  /** The socket is closed, which is told behind its last message. */
  closed: (() => void) | null
}

export class Inbox<Socket extends object> {
  /** In the order in which their turns come; only sockets of which something waits. */
  private readonly lines = new Map<Socket, Line>()
  private waitingBytes = 0
  /** Of this turn, or of as many that together have not had half of one's share. */
  private spentBytes = 0
  /** The same of small messages that were read beyond it. */
  private lightBytes = 0
  private isScheduled = false

  constructor(
    private readonly system: Pick<System, 'soon'>,
    private readonly read: (socket: Socket, message: Message) => void,
    /** More waits than may: the socket is to be closed, and what waits of it is dropped. */
    private readonly overflowed: (socket: Socket) => void,
  ) {}

  /** Bytes that wait, of all sockets. */
  get held(): number {
    return this.waitingBytes
  }

  isWaiting(socket: Socket): boolean {
    return this.lines.has(socket)
  }

  add(socket: Socket, message: Message): void {
    if (!this.mayRead(socket, message)) return this.keep(socket, message)
    this.read(socket, message)
  }

  private mayRead(socket: Socket, message: Message): boolean {
    if (this.lines.size === 0 && this.spentBytes < inboxBytesPerTurn) {
      this.spend(message)
      return true
    }
    if (this.lines.has(socket) || message.length > inboxLightBytes) return false
    if (this.lightBytes >= inboxBytesPerTurn) return false
    this.lightBytes += costOf(message)
    this.schedule()
    return true
  }

  /** The socket is closed: calls `closed` once all that came before has been read. */
  end(socket: Socket, closed: () => void): void {
    const line = this.lines.get(socket)
    if (line === undefined) closed()
    else line.closed = closed
  }

  private keep(socket: Socket, message: Message): void {
    let line = this.lines.get(socket)
    if (line === undefined) {
      line = { messages: [], read: 0, bytes: 0, closed: null }
      this.lines.set(socket, line)
    }
    const bytes = costOf(message)
    line.messages.push(message)
    line.bytes += bytes
    this.waitingBytes += bytes
    this.schedule()
    if (line.bytes > inboxBytesMax) this.drop(socket)
    else if (this.waitingBytes > inboxBytesInAllMax) this.drop(this.heaviest())
  }

  /** Of which most waits. Looked for only when there is no room, and a lot of it comes of each look. */
  private heaviest(): Socket {
    const sockets = [...this.lines.keys()]
    return sockets.reduce((most, socket) => (this.bytesOf(socket) > this.bytesOf(most) ? socket : most))
  }

  private bytesOf(socket: Socket): number {
    return this.lines.get(socket)!.bytes
  }

  private drop(socket: Socket): void {
    const { bytes, closed } = this.lines.get(socket)!
    this.lines.delete(socket)
    this.waitingBytes -= bytes
    this.overflowed(socket)
    closed?.()
  }

  /** The turn is noticed only by what is put off to the next one, which costs more than most messages. */
  private spend(message: Message): void {
    this.spentBytes += costOf(message)
    if (this.spentBytes >= inboxBytesPerTurn / 2) this.schedule()
  }

  private schedule(): void {
    if (this.isScheduled) return
    this.isScheduled = true
    this.system.soon(this.turn)
  }

  /**
   * Another turn: reads on, one share of each socket. Not more of one, however little the others send: whoever reads
   * its streams has to come to that in between, or its scout would seem to send on after a pause.
   */
  private readonly turn = (): void => {
    this.isScheduled = false
    this.spentBytes = 0
    this.lightBytes = 0
    for (const [socket, line] of [...this.lines]) {
      if (this.spentBytes >= inboxBytesPerTurn) break
      // Dropped by what was read before it.
      if (this.lines.get(socket) !== line) continue
      this.readShare(socket, line)
      if (this.lines.get(socket) !== line) continue
      this.lines.delete(socket)
      // Behind the others, whose turns come first.
      if (line.read < line.messages.length) this.lines.set(socket, line)
      else line.closed?.()
    }
    if (this.lines.size > 0) this.schedule()
  }

  private readShare(socket: Socket, line: Line): void {
    const { messages } = line
    for (let left = inboxShareBytes; left > 0 && line.read < messages.length; ) {
      const message = messages[line.read]!
      // Whoever has read it decides whether it stays.
      messages[line.read++] = ''
      const bytes = costOf(message)
      left -= bytes
      line.bytes -= bytes
      this.waitingBytes -= bytes
      this.spend(message)
      this.read(socket, message)
    }
    if (line.read < compactFrom) return
    messages.splice(0, line.read)
    line.read = 0
  }
}

/** Read messages leave the front of a list in bulk. */
const compactFrom = 64

/** What reading a message takes does not only depend on its length. */
function costOf(message: Message): number {
  return message.length + inboxMessageBytes
}
