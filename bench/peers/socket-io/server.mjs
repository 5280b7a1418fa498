/** Socket.IO on Node: tasks emitted to the next idle worker, answers as acknowledgements. Only websockets, no polling. */
import { Server } from 'socket.io'
import { ready } from '../child.mjs'
import { listen, nodeServer } from '../front.mjs'
import { IdleWorkers } from '../idle.mjs'

const workers = new IdleWorkers()

function ask(text) {
  const request = JSON.parse(text)
  return new Promise((resolve) => {
    workers.take((socket) =>
      socket.emit('task', request, (answer) => {
        workers.free(socket)
        resolve(JSON.stringify(answer))
      }),
    )
  })
}

const server = nodeServer(ask)
const io = new Server(server, { transports: ['websocket'], serveClient: false, perMessageDeflate: false })
io.on('connection', (socket) => workers.free(socket))
ready({ url: `http://127.0.0.1:${await listen(server)}` })
