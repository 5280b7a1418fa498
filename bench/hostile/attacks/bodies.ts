/**
 * Requests that are heavy to hold or to read: JSON of brackets, long prompts that wait, bodies that never end.
 * `attacks.ts` lists these attacks.
 */
import { jsonFieldsMax, jsonNodesMax, jsonValuesMax } from '../../../shared/limits/http.ts'
import { sleep } from '../../load/calls.ts'
import { type Attack, chatFor, type Site } from '../site/site.ts'

const mib = 2 ** 20
const bodyBytes = 4 * mib - 2_000
/** A scout's model to which nobody ever answers. */
const silentModel = 'hostile-silent'

async function silence(site: Site): Promise<void> {
  await site.stranger({ name: 'silent', models: [silentModel], concurrency: 1 })
}

function waiting(name: string, about: string, count: number, field: () => object): Attack {
  return {
    name,
    about,
    async run(site) {
      await silence(site)
      const body = Buffer.from(chatFor(silentModel, field()))
      let waits = 0
      for (let at = 0; at < count && !site.isOver; at++) {
        waits++
        void site.ask('/v1/chat/completions', body).finally(() => waits--)
        await sleep(20)
      }
      return () => {
        site.note('waiting', waits)
        return waits > 0 ? [] : ['none of them waited']
      }
    },
  }
}

const brackets = waiting('waiting-brackets', '40 waiting chats with as many empty arrays as are allowed', 40, () => ({
  x: Array.from({ length: jsonNodesMax - 64 }, () => []),
  user: 'x'.repeat(bodyBytes - 4 * jsonNodesMax),
}))

const prompts = waiting('waiting-prompts', '100 waiting chats with a prompt of 3.9 MB each', 100, () => ({
  user: 'x'.repeat(bodyBytes),
}))

const halfSent: Attack = {
  name: 'half-sent',
  about: '100 bodies of 4 MiB, sent but for the last bytes, which come one by one',
  async run(site) {
    const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: hub\r\nauthorization: Bearer ${site.clientKey}\r\n`
    const request = Buffer.from(`${head}content-type: application/json\r\ncontent-length: ${bodyBytes}\r\n\r\n`)
    const most = Buffer.alloc(bodyBytes - 1_000, 0x20)
    for (let at = 0; at < 100 && !site.isOver; at++) {
      const heard = (bytes: Buffer) => site.note(`status ${bytes.toString('latin1').slice(9, 12)}`)
      const socket = await site.connection(heard)
      if (socket === null) continue
      socket.write(request)
      let sent = 0
      const push = () => {
        if (sent < most.length) sent += Math.max(0, socket.write(most.subarray(sent, sent + 256 * 1_024)))
      }
      site.every(40, push)
      site.every(1, () => void (sent >= most.length && socket.write(' ')))
      await sleep(20)
    }
  },
}

/** Of no model that there is: what they cost is over once they are checked. */
function bodyWith(field: string): Buffer<ArrayBuffer> {
  return Buffer.from(`{"model":"nobody-has-it","messages":[{"role":"user","content":"hi"}],"x":${field}}`)
}

const wide: Attack = {
  name: 'wide-bodies',
  about: 'four clients with requests of 4 MB: 300,000 fields, and as many numbers, objects and fields as are allowed',
  async run(site) {
    const fields = (count: number) => `{${Array.from({ length: count }, (_, at) => `"k${at}":0`).join(',')}}`
    const object = fields(jsonFieldsMax)
    const numbers = `[${'0,'.repeat(jsonValuesMax - jsonNodesMax)}0]`
    const most = Math.floor(jsonNodesMax / jsonFieldsMax) - 1
    const bodies = [
      bodyWith(fields(300_000)),
      bodyWith(`[${Array.from({ length: most }, () => object).join(',')},${numbers}]`),
      bodyWith(numbers),
    ]
    let turn = 0
    site.loop(4, '/v1/chat/completions', () => bodies[turn++ % bodies.length]!)
  },
}

const tooLarge: Attack = {
  name: 'too-large',
  about: 'four clients that send bodies of 10 MB: two where that is too large, two where it is no JSON',
  async run(site) {
    const body = Buffer.alloc(10 * mib, 0x20)
    for (const path of ['/v1/intents', '/v1/chat/completions']) site.loop(2, path, () => body)
  },
}

export const bodyAttacks = [brackets, prompts, halfSent, wide, tooLarge]
