/**
 * A keep-alive connection of the load generators: one request at a time, straight onto a TCP socket, because the
 * machine's cores are shared with what is being measured. Requests are made once (`requestBytes`) and sent as they are.
 */
import { type ResponseEvents, ResponseReader } from './http-response.ts'

/** Where requests go and what they hold; the bodies take turns. */
export interface Target {
  port: number
  path: string
  key: string
  bodies: string[]
}

/** In a body: where the load generator writes another number into each request, so that no two are alike. */
export const numberMark = '#0000000000#'

export interface ConnectionEvents extends ResponseEvents {
  closed(): void
}

export function requestBytes({ path, key, bodies }: Target): Buffer[] {
  return bodies.map((body) =>
    Buffer.from(
      `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${key}\r\n` +
        `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    ),
  )
}

interface SocketData {
  reader: ResponseReader
  unsent: Uint8Array | null
  events: ConnectionEvents
}

const handler: Bun.SocketHandler<SocketData> = {
  data: (socket, bytes) => socket.data.reader.push(bytes),
  drain: (socket) => flush(socket),
  close: (socket) => socket.data.events.closed(),
  error: () => {},
}

function flush(socket: Bun.Socket<SocketData>): void {
  const { unsent } = socket.data
  if (unsent === null) return
  const sent = Math.max(0, socket.write(unsent))
  socket.data.unsent = sent < unsent.length ? unsent.subarray(sent) : null
}

export class HttpConnection {
  private constructor(private readonly socket: Bun.Socket<SocketData>) {}

  static async open(port: number, events: ConnectionEvents): Promise<HttpConnection> {
    const data = { reader: new ResponseReader(events), unsent: null, events }
    return new HttpConnection(await Bun.connect({ hostname: '127.0.0.1', port, data, socket: handler }))
  }

  send(request: Uint8Array): void {
    this.socket.data.unsent = request
    flush(this.socket)
  }

  /** Reads nothing more: a client that stalls. */
  pause(): void {
    this.socket.pause()
  }

  close(): void {
    this.socket.terminate()
  }
}
