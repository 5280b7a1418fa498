/**
 * Scouts that are HTTP servers: each listens on an address of its own and answers what is posted to it. One HTTP machine
 * serves all of a process's scouts, which costs less than a server for each.
 */
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { openWorkers, ready, setting } from '../child.mjs'

const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(setting.answer) }
const machine = createHttpServer((request, response) => {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    JSON.parse(Buffer.concat(chunks).toString())
    response.writeHead(200, headers)
    response.end(setting.answer)
  })
})
machine.keepAliveTimeout = 600_000

const scouts = []
await openWorkers(
  (index) =>
    new Promise((resolve, reject) => {
      const server = createServer((socket) => machine.emit('connection', socket))
      // On one address the search for a free port takes longer with each that is taken.
      const host = `127.1.${index >> 8}.${index & 255}`
      server.on('error', reject)
      server.listen(0, host, () => {
        scouts.push({ host, port: server.address().port })
        resolve()
      })
    }),
)
const registered = await fetch(`${setting.url}/register`, { method: 'POST', body: JSON.stringify(scouts) })
if (!registered.ok) throw new Error(`the orchestrator answered ${registered.status} to the registration`)
ready()
