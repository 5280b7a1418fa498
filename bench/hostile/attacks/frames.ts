/**
 * Frames that are allowed one by one: answers that are never finished, chunks of nothing, noise.
 * `attacks.ts` lists these attacks.
 */
import { streamBufferBytes, streamOverrunBytes } from '../../../shared/limits/http.ts'
import { frameBytesMax, oversizeRoomBytes } from '../../../shared/limits/wire.ts'
import { sleep } from '../../load/calls.ts'
import { requestBytes } from '../../load/http-connection.ts'
import { type Attack, chatFor, type Site } from '../site/site.ts'
import type { Stranger, Task } from '../site/stranger.ts'

const mib = 2 ** 20
const model = 'hostile-frames'
const stalledCount = 1_500
const unreadCount = 300

const halfAnswers: Attack = {
  name: 'half-answers',
  about: '30 scouts that deliver four answers of 4 MiB each but for the last fragment',
  async run(site) {
    const body = Buffer.alloc(4 * mib - 1_000, 0x20)
    const onTask = (stranger: Stranger, task: Task) => {
      site.note('half answers')
      return stranger.settle(task, body, 0, 0.97)
    }
    await site.strangers(30, (at) => ({ name: `half-${at}`, models: [model], concurrency: 4, onTask }))
    await site.offered(model)
    await site.fire(120, '/v1/chat/completions', chatFor(model))
  },
}

const endless: Attack = {
  name: 'endless-streams',
  about: 'a scout that streams without end at its allowed rate, to clients that read',
  prepares: true,
  async run(site) {
    const line = `${JSON.stringify({ choices: [{ index: 0, delta: { content: 'x'.repeat(15_000) } }] })}\n`
    const body = Buffer.from(line)
    const onTask = async (stranger: Stranger, { task, attempt }: Task) => {
      for (let seq = 0; !stranger.isClosed; seq++) {
        await stranger.pay(body.length)
        stranger.send({ type: 'chunk', task, attempt, seq, offset: seq * body.length, size: body.length, body })
        site.note('chunks')
        await sleep(1)
      }
    }
    await site.stranger({ name: 'endless', models: [model], concurrency: 4, onTask })
    await site.offered(model)
    site.begins()
    site.loop(4, '/v1/chat/completions', () => chatFor(model, { stream: true }))
  },
}

/** So many clients of one key that ask and never read. */
async function deaf(site: Site, count: number, body: string): Promise<void> {
  const [request] = requestBytes({ port: site.port, path: '/v1/chat/completions', key: site.clientKey, bodies: [body] })
  for (let at = 0; at < count && !site.isOver; at += 50) {
    const sockets = await Promise.all(Array.from({ length: 50 }, () => site.connection()))
    for (const socket of sockets) {
      if (socket?.write(request!) === request!.length) site.note('asked')
      socket?.pause()
    }
    await sleep(20)
  }
}

const stalled: Attack = {
  name: 'stalled-readers',
  about: `${stalledCount} streams of one key that nobody reads, filled by scouts that stop when they are told to pause`,
  async run(site) {
    const line = `${JSON.stringify({ choices: [{ index: 0, delta: { content: 'x'.repeat(15_000) } }] })}\n`
    const body = Buffer.from(line)
    const onTask = async (stranger: Stranger, { task, attempt }: Task) => {
      for (let seq = 0; seq * body.length < streamBufferBytes + streamOverrunBytes && !stranger.isClosed; seq++) {
        await stranger.pay(body.length)
        stranger.send({ type: 'chunk', task, attempt, seq, offset: seq * body.length, size: body.length, body })
        site.note('chunks')
      }
    }
    const scouts = Math.ceil(stalledCount / 64)
    await site.strangers(scouts, (at) => ({ name: `fills-${at}`, models: [model], concurrency: 64, onTask }))
    await site.offered(model)
    await deaf(site, stalledCount, chatFor(model, { stream: true }))
  },
}

const unread: Attack = {
  name: 'unread-answers',
  about: `${unreadCount} whole answers of 4 MiB for one key that nobody reads`,
  async run(site) {
    const choice = {
      index: 0,
      message: { role: 'assistant', content: 'x'.repeat(4 * mib - 2_000) },
      finish_reason: 'stop',
    }
    const answer = Buffer.from(JSON.stringify({ choices: [choice] }))
    const onTask = (stranger: Stranger, task: Task) => {
      site.note('answers')
      return stranger.settle(task, answer)
    }
    await site.strangers(20, (at) => ({ name: `large-${at}`, models: [model], concurrency: 2, onTask }))
    await site.offered(model)
    await deaf(site, unreadCount, chatFor(model))
  },
}

const noise: Attack = {
  name: 'noise',
  about: 'scouts that send random frames, are closed, and dial again 40 times a second',
  async run(site) {
    const bytes = new Uint8Array(1_024)
    site.every(40, () => {
      const dialled = site.stranger({ name: 'noise', models: [model] })
      dialled.then(
        (stranger) => {
          crypto.getRandomValues(bytes)
          stranger.raw(bytes)
          setTimeout(() => stranger.cut(), 200)
        },
        () => site.note('not taken'),
      )
    })
  },
}

/** A continuation frame of one byte, as a client masks it, so many times. */
function crumbs(count: number): Buffer {
  return Buffer.alloc(7 * count, Buffer.from([0x00, 0x81, 1, 2, 3, 4, 0]))
}

const fragmented: Attack = {
  name: 'fragmented-messages',
  about: '40 scouts with messages that never end: 66 KiB that wait, 70 KB that are too much, and single bytes',
  async run(site) {
    const wait = new Uint8Array(frameBytesMax + oversizeRoomBytes / 2)
    const tooMuch = new Uint8Array(70_000)
    await site
      .strangers(20, (at) => ({ name: `waits-${at}`, models: [model] }))
      .then((strangers) => {
        for (const stranger of strangers) stranger.piece(wait)
      })
    let dialled = 0
    site.every(20, () => {
      const name = `piece-${dialled++ % 20}`
      site.stranger({ name, models: [model] }).then(
        (stranger) => {
          if (dialled % 2 === 0) return stranger.piece(tooMuch)
          stranger.piece(new Uint8Array(1))
          site.every(10, () => stranger.bytes(crumbs(2_000)))
        },
        () => site.note('not taken'),
      )
    })
    return () => {
      const closed = Object.entries(site.outcomes).some(([what, count]) => what.includes('1009') && count > 0)
      return closed ? [] : ['messages that are too large were not closed with 1009']
    }
  },
}

export const frameAttacks = [halfAnswers, endless, stalled, unread, noise, fragmented]
