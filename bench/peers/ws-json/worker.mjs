/** Workers of the plain websocket hub: parse the task, send the answer as JSON. */
import { openWorkers, ready, setting } from '../child.mjs'

const answer = JSON.parse(setting.answer)

function open() {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(setting.url.replace('http', 'ws'))
    socket.addEventListener('open', () => resolve())
    socket.addEventListener('error', reject)
    socket.addEventListener('message', ({ data }) => {
      const { id } = JSON.parse(data)
      socket.send(JSON.stringify({ type: 'answer', id, answer }))
    })
  })
}

await openWorkers(open)
ready()
