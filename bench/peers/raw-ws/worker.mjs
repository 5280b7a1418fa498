/** Workers of the raw relay: give the number back with the answer behind it. */
import { openWorkers, ready, setting } from '../child.mjs'

const answer = Buffer.from(setting.answer)

function open() {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(setting.url.replace('http', 'ws'))
    socket.binaryType = 'nodebuffer'
    socket.addEventListener('open', () => resolve())
    socket.addEventListener('error', reject)
    socket.addEventListener('message', ({ data }) => {
      const frame = Buffer.allocUnsafe(4 + answer.length)
      data.copy(frame, 0, 0, 4)
      answer.copy(frame, 4)
      socket.send(frame)
    })
  })
}

await openWorkers(open)
ready()
