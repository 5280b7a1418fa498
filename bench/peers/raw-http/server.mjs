/** The limit of any hub on Bun: reads the request and answers, with nobody behind it. */
import { ready, setting } from '../child.mjs'

const headers = { 'content-type': 'application/json' }

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  async fetch(request) {
    await request.text()
    return new Response(setting.answer, { headers })
  },
})
ready({ url: `http://127.0.0.1:${server.port}` })
