/** Workers of the Socket.IO hub: acknowledge each task with the answer. Each has a connection of its own. */
import { io } from 'socket.io-client'
import { openWorkers, ready, setting } from '../child.mjs'

const answer = JSON.parse(setting.answer)

function open() {
  return new Promise((resolve, reject) => {
    const socket = io(setting.url, { transports: ['websocket'], forceNew: true, perMessageDeflate: false })
    socket.on('connect', resolve)
    socket.on('connect_error', reject)
    socket.on('task', (_request, acknowledge) => acknowledge(answer))
  })
}

await openWorkers(open)
ready()
