/**
 * The design this project replaces: every scout runs an HTTP server that the orchestrator can reach, and the
 * orchestrator posts each task to it over a kept-alive connection. It does not ask who registers or who answers.
 */
import { Agent, request } from 'node:http'
import { ready } from '../child.mjs'
import { listen, nodeServer } from '../front.mjs'
import { IdleWorkers } from '../idle.mjs'

const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY, maxFreeSockets: 1_000_000 })
const scouts = new IdleWorkers()

function ask(text) {
  JSON.parse(text)
  return new Promise((resolve, reject) => {
    scouts.take((scout) => post(scout, text, resolve, reject))
  })
}

function post(scout, text, resolve, reject) {
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
  const call = request({ ...scout, method: 'POST', path: '/task', agent, headers }, (response) => {
    const chunks = []
    response.on('data', (chunk) => chunks.push(chunk))
    response.on('end', () => {
      scouts.free(scout)
      const answer = Buffer.concat(chunks).toString()
      JSON.parse(answer)
      resolve(answer)
    })
  })
  call.on('error', reject)
  call.end(text)
}

function register(text) {
  for (const scout of JSON.parse(text)) scouts.free(scout)
  return '{}'
}

const port = await listen(nodeServer(ask, { path: '/register', handle: register }))
ready({ url: `http://127.0.0.1:${port}` })
