/**
 * The limit of any hub that relays over websockets on Bun: the request's bytes behind a four-byte number to the next
 * worker, the answer's bytes back. It parses nothing and checks nothing.
 */
import { ready } from '../child.mjs'
import { IdleWorkers } from '../idle.mjs'

const headers = { 'content-type': 'application/json' }
const workers = new IdleWorkers()
const waiting = new Map()
let asked = 0

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  idleTimeout: 0,
  async fetch(request, server) {
    if (request.headers.has('upgrade')) return server.upgrade(request) ? undefined : new Response(null, { status: 400 })
    const body = Buffer.from(await request.arrayBuffer())
    const answer = await new Promise((resolve) => {
      asked = (asked + 1) >>> 0
      const number = asked
      waiting.set(number, resolve)
      const frame = Buffer.allocUnsafe(4 + body.length)
      frame.writeUInt32LE(number)
      body.copy(frame, 4)
      workers.take((socket) => socket.send(frame))
    })
    return new Response(answer, { headers })
  },
  websocket: {
    idleTimeout: 0,
    perMessageDeflate: false,
    open: (socket) => workers.free(socket),
    message(socket, frame) {
      const number = frame.readUInt32LE()
      const resolve = waiting.get(number)
      waiting.delete(number)
      workers.free(socket)
      resolve(frame.subarray(4))
    },
  },
})
ready({ url: `http://127.0.0.1:${server.port}` })
