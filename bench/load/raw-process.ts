/**
 * The limits to compare with: the same server without logic. One `Bun.serve` that answers a POST with a fixed body
 * of the usual size, upgrades sockets, and relays what a worker's socket sends to the reader of an event stream,
 * message by message, without looking at it.
 */
import { subprotocol } from '../../shared/protocol/frames.ts'
import { answerCalls } from './calls.ts'
import { wholeAnswer } from './stamps.ts'

const answer = wholeAnswer(0)
const json = { 'content-type': 'application/json' }
const events = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' }
const before = Buffer.from('data: ')
const behind = Buffer.from('\n\n')
const workers: Bun.ServerWebSocket<undefined>[] = []
const readers = new Map<number, ReadableStreamDefaultController<Uint8Array>>()
let asked = 0

/** Messages of a worker are the number of the reader, in four bytes, and one line; a message without a line ends it. */
function relay(message: Buffer): void {
  const number = message.readUInt32LE(0)
  const reader = readers.get(number)
  if (message.length === 4) {
    readers.delete(number)
    reader?.close()
  } else reader?.enqueue(Buffer.concat([before, message.subarray(4), behind]))
}

function streamed(): Response {
  const number = ++asked
  const id = Buffer.alloc(4)
  id.writeUInt32LE(number)
  const source = {
    start(controller: ReadableStreamDefaultController<Uint8Array>) {
      readers.set(number, controller)
      workers[number % workers.length]!.sendBinary(id)
    },
    cancel: () => void readers.delete(number),
  }
  return new Response(new ReadableStream(source), { headers: events })
}

const server = Bun.serve({
  hostname: '0.0.0.0',
  port: 0,
  idleTimeout: 0,
  async fetch(request, serving) {
    if (request.method === 'GET') {
      if (serving.upgrade(request, { headers: { 'sec-websocket-protocol': subprotocol } })) return
      return new Response('upgrade, please', { status: 400 })
    }
    await request.bytes()
    if (request.url.endsWith('/stream')) return streamed()
    return new Response(answer, { headers: json })
  },
  websocket: {
    perMessageDeflate: false,
    idleTimeout: 0,
    open: (ws) => void workers.push(ws),
    message: (_, message) => relay(message as Buffer),
  },
})

const calls = {
  port: (_: null) => server.port!,
}

export type RawCalls = typeof calls

answerCalls(calls)
