/**
 * Requests that are odd in their form: many in one packet, addresses that lead into private networks, numbers without
 * sense, old versions. `attacks.ts` lists these attacks.
 */
import { contentPartsMax, jsonNodesMax } from '../../../shared/limits/http.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import { sleep } from '../../load/calls.ts'
import { type Attack, chatFor, type Site } from '../site/site.ts'

/**
 * Requests in one packet, and connections that send such packets one after the other: half of them ask for what is
 * answered at once, and are to be answered in order; the others begin with a chat, behind which the connection may be
 * closed instead.
 */
const pipelinedCount = 64
const pipelines = 8
const pipelinePollMs = 5
const pipelineMs = 1_000
const idForm = /x-request-id: p-(\d+)/gi

function requestText(site: Site, method: string, path: string, more: string, body = ''): string {
  const head = `${method} ${path} HTTP/1.1\r\nhost: hub\r\nauthorization: Bearer ${site.clientKey}\r\n${more}`
  const length = body === '' ? '' : `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`
  return `${head}${length}\r\n${body}`
}

const pipelined: Attack = {
  name: 'pipelined',
  about: `${pipelines} connections that send ${pipelinedCount} requests at once, again and again`,
  async run(site) {
    let disordered = 0
    let answered = 0
    let sent = 0
    const insist = async (isQuick: boolean) => {
      while (!site.isOver) {
        let last = -1
        let own = 0
        // The end of what was read before: a head may come in two pieces.
        let cut = ''
        const socket = await site.connection((bytes) => {
          const text = cut + bytes.toString('latin1')
          const end = text.lastIndexOf('\n') + 1
          cut = text.slice(end)
          for (const [, number] of text.slice(0, end).matchAll(idForm)) {
            if (Number(number) <= last) disordered++
            last = Number(number)
            own++
            site.note('answers')
          }
        })
        if (socket === null) continue
        const requests = Array.from({ length: pipelinedCount }, (_, at) => {
          const id = `x-request-id: p-${sent++}\r\n`
          if (isQuick || at % 4 > 0) return requestText(site, 'GET', '/v1/models', id)
          return requestText(site, 'POST', '/v1/chat/completions', id, chatFor(`bench-${at % 50}`))
        })
        socket.write(requests.join(''))
        const untilMs = performance.now() + pipelineMs
        while (own < pipelinedCount && socket.readyState > 0 && performance.now() < untilMs) await sleep(pipelinePollMs)
        site.note(own === pipelinedCount ? 'packets answered' : 'packets cut')
        socket.terminate()
        answered += own
      }
    }
    for (let at = 0; at < pipelines; at++) void insist(at % 2 === 0)
    return () => {
      const misses = disordered > 0 ? [`${disordered} of ${answered} answers came out of order`] : []
      return answered > 0 ? misses : [...misses, 'nothing was answered']
    }
  },
}

/** As many parts with a URL as a request may have; the last of them decides. */
function imagesBody(last: string): Buffer<ArrayBuffer> {
  // Two objects, three names and two texts each; of a message its object, its list, two names and a text.
  const messageCount = Math.floor(jsonNodesMax / (7 * contentPartsMax + 5))
  const count = messageCount * contentPartsMax - 1
  const chars = Math.floor(bodyBytesMax / count) - 80
  const part = (url: string) => ({ type: 'image_url', image_url: { url } })
  const long = (at: number) => {
    const host = `xn--bcher-kva.${at}.example.com`
    return `https://${host}/${'p'.repeat(Math.max(0, chars - host.length - 12))}`
  }
  const parts = [...Array.from({ length: count }, (_, at) => part(long(at))), part(last)]
  const messages = Array.from({ length: messageCount }, (_, at) => {
    return { role: 'user', content: parts.slice(at * contentPartsMax, (at + 1) * contentPartsMax) }
  })
  return Buffer.from(JSON.stringify({ model: 'nobody-has-it', messages }))
}

const privateUrls: Attack = {
  name: 'private-urls',
  about: 'requests of 4 MB that name thousands of URLs, and file:, loopback and link-local ones as the last',
  async run(site) {
    const lasts = [
      'file:///etc/passwd',
      'http://127.0.0.1:8080/metrics',
      'http://169.254.169.254/latest/meta-data',
      'http://[::ffff:10.0.0.1]/',
      'http://0x7f000001/',
      'https://example.com/fine.png',
    ]
    const bodies = lasts.map(imagesBody)
    const small = lasts.slice(0, -1).map((url) => {
      const content = [{ type: 'image_url', image_url: { url } }]
      return JSON.stringify({ model: 'bench-0', messages: [{ role: 'user', content }] })
    })
    let turn = 0
    const ask = async () => {
      while (!site.isOver) {
        const { status, text } = await site.ask('/v1/chat/completions', bodies[turn++ % bodies.length]!)
        // It says which URL, or that nobody has the model.
        if (text.includes('image_url.url') || text.includes('model_not_found')) judged++
        if (status === 0 || status >= 400) await sleep(100)
      }
    }
    for (let client = 0; client < 4; client++) void ask()
    let passed = 0
    let judged = 0
    site.every(20, () => {
      const asked = site.ask('/v1/chat/completions', small[turn++ % small.length]!)
      void asked.then(({ status }) => void (status === 200 && passed++))
    })
    return () => {
      const unread = judged > 0 ? [] : ['no request came as far as its URLs']
      return passed === 0 ? unread : [...unread, `${passed} requests with a private URL were passed on`]
    }
  },
}

const odd: Attack = {
  name: 'odd-requests',
  about: '200 requests a second with absurd prices, old versions, odd methods, escapes and paths',
  async run(site) {
    const escapes = '\\u001b[2J\\u001b]0;x\\u0007'
    const texts = [
      requestText(
        site,
        'POST',
        '/v1/chat/completions',
        '',
        chatFor('bench-0', { chasm: { sort: 'price', max_price: 1e308 } }),
      ),
      requestText(site, 'POST', '/v1/intents', '', `{"input":"x","metadata":{"${escapes}":"${escapes}"}}`),
      requestText(site, 'POST', '/v1/chat/completions', '', chatFor(escapes)),
      requestText(site, 'POST', '/v1/chat/completions', 'content-encoding: gzip\r\n', chatFor('bench-0')),
      requestText(site, 'BREW', '/v1/models', ''),
      requestText(site, 'GET', `/v1/models/${'%2f'.repeat(2_000)}`, ''),
      requestText(site, 'GET', `/v1/intents?after=${'9'.repeat(4_000)}`, ''),
      'GET /healthz HTTP/1.0\r\n\r\n',
      'GET http://elsewhere/healthz HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n',
      'POST /v1/chat/completions HTTP/1.1\r\nhost: hub\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!',
    ]
    let turn = 0
    site.every(200, async () => {
      const text = texts[turn++ % texts.length]!
      const socket = await site.connection((bytes) => site.note(bytes.toString('latin1').slice(9, 12)))
      socket?.write(text)
      setTimeout(() => socket?.terminate(), 500)
    })
    return () => {
      const broken = Object.keys(site.outcomes).filter((status) => status === '500')
      return broken.length === 0 ? [] : [`${site.outcomes['500']} requests were answered with 500`]
    }
  },
}

export const requestAttacks = [pipelined, privateUrls, odd]
