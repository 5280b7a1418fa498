/** A websocket message in pieces: the bound of a frame holds for their sum, whether or not the last one ever comes. */
import { connect } from 'node:net'
import { afterEach, test } from 'vitest'
import { frameBytesMax } from '../../shared/limits/wire.ts'
import { encode } from '../../shared/protocol/codec.ts'
import { subprotocol } from '../../shared/protocol/frames.ts'
import { heldSystem } from '../support/clocks/held-system.ts'
import { until } from '../support/clocks/until.ts'
import { LiveHub } from '../support/hub/live-hub.ts'
import { hello } from '../support/hub/session-stage.ts'

let hub: LiveHub
afterEach(() => hub.close())

test.each([
  ['with its end', true],
  ['without its end', false],
])('a message of 70 KB in pieces, %s, closes the socket', async (_what, ends) => {
  // Silence would end it, too, but no time passes.
  hub = new LiveHub({ system: heldSystem() })
  const socket = connect(hub.hub.port, '127.0.0.1')
  let heard = ''
  let isClosed = false
  socket.on('data', (bytes) => {
    heard += bytes.toString('latin1')
  })
  socket.on('close', () => {
    isClosed = true
  })
  socket.on('error', () => {})
  const lines = [
    'GET /v1/scout HTTP/1.1',
    'host: hub',
    `authorization: Bearer ${hub.scoutKey}`,
    'connection: upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    `sec-websocket-protocol: ${subprotocol}`,
    'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
  ]
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  await until('the upgrade', () => heard.includes('101 Switching'))
  const frame = (code: number, payload: Uint8Array) => {
    const head = Buffer.alloc(8)
    head[0] = code
    head[1] = 0x80 | 126
    head.writeUInt16BE(payload.length, 2)
    return Buffer.concat([head, payload])
  }
  socket.write(frame(0x82, encode(hello)))
  await until('the scout to join', () => hub.hub.engine.scouts().length === 1)
  const piece = 1_000
  const pieces = Math.ceil((frameBytesMax + 6_000) / piece)
  for (let index = 0; index < pieces; index++) {
    const code = (index === 0 ? 2 : 0) | (ends && index === pieces - 1 ? 0x80 : 0)
    socket.write(frame(code, new Uint8Array(piece)))
  }
  await until('the end', () => isClosed)
})
