/**
 * The least that works: Node, the `ws` package, JSON both ways, tasks pushed to the next idle worker.
 * No keys, no leases, no retries, no deadline: the task of a worker that dies is lost.
 */
import { WebSocketServer } from 'ws'
import { ready } from '../child.mjs'
import { listen, nodeServer } from '../front.mjs'
import { IdleWorkers } from '../idle.mjs'

const workers = new IdleWorkers()
const waiting = new Map()
let asked = 0

function ask(text) {
  const request = JSON.parse(text)
  return new Promise((resolve) => {
    const id = ++asked
    waiting.set(id, resolve)
    workers.take((socket) => socket.send(JSON.stringify({ type: 'task', id, request })))
  })
}

const server = nodeServer(ask)
const sockets = new WebSocketServer({ server, perMessageDeflate: false, backlog: 4096 })
sockets.on('connection', (socket) => {
  workers.free(socket)
  socket.on('message', (data) => {
    const { id, answer } = JSON.parse(data.toString())
    const resolve = waiting.get(id)
    waiting.delete(id)
    workers.free(socket)
    resolve(JSON.stringify(answer))
  })
})
ready({ url: `http://127.0.0.1:${await listen(server)}` })
