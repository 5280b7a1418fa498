/**
 * Workers behind LiteLLM's proxy: services with OpenAI's interface, each on a port of its own. They are ready when the
 * proxy has started with their addresses and answers.
 */
import { createServer } from 'node:http'
import { openWorkers, ready, setting } from '../child.mjs'

const pollMs = 100
const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(setting.answer) }
const urls = []

function open() {
  return new Promise((resolve, reject) => {
    const server = createServer((request, response) => {
      const chunks = []
      request.on('data', (chunk) => chunks.push(chunk))
      request.on('end', () => {
        JSON.parse(Buffer.concat(chunks).toString())
        response.writeHead(200, headers)
        response.end(setting.answer)
      })
    })
    server.keepAliveTimeout = 600_000
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      urls.push(`http://127.0.0.1:${server.address().port}/v1`)
      resolve()
    })
  })
}

async function proxyAnswers() {
  try {
    return (await fetch(`${setting.url}/health/liveliness`)).ok
  } catch {
    // It has not begun to listen.
    return false
  }
}

await openWorkers(open)
await fetch(setting.registry, { method: 'POST', body: JSON.stringify(urls) })
while (!(await proxyAnswers())) await new Promise((resolve) => setTimeout(resolve, pollMs))
ready()
