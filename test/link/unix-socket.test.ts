/** Links over real Unix sockets: short writes, ends from either side, paths that a dead process has left behind. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Link } from '../../orchestrator/link/link.ts'
import { dialLink, listenLinks } from '../../orchestrator/link/unix-socket.ts'
import { realSystem } from '../../shared/system.ts'
import { until } from '../support/clocks/until.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'

type Message = { said: string }

const system = realSystem()

/** A link between two ends of this process. `hear`: what the one that listens does with each message. */
async function stage(hear: (message: Message, body: Uint8Array | null) => void, path = pathOfOwn()) {
  const ends: string[] = []
  const met = Promise.withResolvers<Link<Message, Message>>()
  const listener = listenLinks<Message, Message>(system, path, (link) => {
    met.resolve(link)
    return { receive: hear, ended: (why) => void ends.push(`there: ${why}`) }
  })
  const here = await dialLink<Message, Message>(system, path, {
    receive: () => {},
    ended: (why) => void ends.push(`here: ${why}`),
  })
  const there = await met.promise
  onTestFinished(() => {
    here.end('the test is over')
    there.end('the test is over')
    listener.stop()
  })
  return { here, there, ends }
}

function pathOfOwn(): string {
  return join(temporaryFolder(), 'link.sock')
}

test('bodies far larger than what a socket takes at once arrive whole and in order', async () => {
  const heard: [string, number][] = []
  const { here } = await stage(({ said }, body) => void heard.push([said, body?.length ?? 0]))
  for (const bytes of [20_000_000, 0, 3_000_000]) here.send({ said: `${bytes}` }, new Uint8Array(bytes))
  here.send({ said: 'last' })
  await until('the last message', () => heard.length === 4)
  expect(heard).toEqual([
    ['20000000', 20_000_000],
    ['0', 0],
    ['3000000', 3_000_000],
    ['last', 0],
  ])
})

test('what was sent before the end arrives, and the other end learns of the end', async () => {
  const heard: string[] = []
  const { here, ends } = await stage(({ said }) => void heard.push(said))
  here.send({ said: 'farewell' })
  here.flush()
  here.end('enough')
  await until('both to know', () => ends.length === 2)
  expect(heard).toEqual(['farewell'])
  expect(ends).toEqual(['here: enough', 'there: the process at the other end is gone'])
})

test('an error of who receives a message ends the link, and says so', async () => {
  const { here, ends } = await stage(() => {
    throw new Error('not understood')
  })
  here.send({ said: 'hello' })
  await until('both to know', () => ends.length === 2)
  expect(ends[0]).toBe('there: an error ended the link: not understood')
})

test('a path that somebody left behind is taken over', async () => {
  const path = pathOfOwn()
  writeFileSync(path, '')
  const heard: string[] = []
  const { here } = await stage(({ said }) => void heard.push(said), path)
  here.send({ said: 'hello' })
  await until('the message', () => heard.length === 1)
})

test('who dials where nobody listens is told', async () => {
  const dialing = dialLink<Message, Message>(system, pathOfOwn(), { receive: () => {}, ended: () => {} })
  await expect(dialing).rejects.toThrow()
})
