/**
 * compose.cluster.yaml at work: the commands of its first lines and each of its services, run as they stand there by
 * processes of this machine (`support/cluster/programs/composed.ts`). What is left to an engine is to build the images
 * and to hold the containers to their limits.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { realSystem } from '../../shared/system.ts'
import { Composed } from '../support/cluster/programs/composed.ts'
import { findNats } from '../support/cluster/programs/nats-server.ts'
import { installMsMax } from '../support/machine/apt.ts'
import type { Program } from '../support/machine/programs.ts'

const found = await findNats()
const nats = 'path' in found ? found.path : ''
const system = realSystem()
const hubs = ['alpha', 'beta', 'gamma']
const servers = ['nats-1', 'nats-2', 'nats-3']

/** Programs that the first lines run in containers: the service and the words, in their order. */
function commandsOf(text: string): { service: string; words: string[] }[] {
  const lines = text.replaceAll(/\\\n#\s*/g, '').split('\n')
  return lines.flatMap((line) => {
    const [, service, words] = / (?:--entrypoint bun|exec) (\w+) (?:bun )?(\w+\.js .*?)(?: {2,}.*)?$/.exec(line) ?? []
    return line.startsWith('#') && service !== undefined ? [{ service, words: words!.split(' ') }] : []
  })
}

const pause = () => new Promise<void>((resolve) => system.after(50, resolve))

/** Resolves once the hub there takes this key. */
async function knows(url: string, key: string): Promise<void> {
  for (;;) {
    const response = await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } }).catch(() => null)
    if (response !== null && response.status !== 401 && response.status !== 503) return
    await pause()
  }
}

async function ended(program: Program): Promise<string> {
  expect([await program.exited, program.stderr]).toEqual([0, expect.any(String)])
  return program.stdout.trim()
}

/** The first hub founds the network, and takes the others in. */
async function founded(stage: Composed, [init, identity, ...proposals]: ReturnType<typeof commandsOf>): Promise<void> {
  mkdirSync(join(stage.folder, 'roster'), { mode: 0o777 })
  await ended(stage.run(init!.service, init!.words))
  const keyOf = new Map<string, string>()
  for (const name of ['beta', 'gamma']) keyOf.set(name, await ended(stage.run(name, identity!.words)))
  for (const { service, words } of proposals.slice(0, 2)) {
    const filled = words.map((word) => keyOf.get(/^KEY_OF_(\w+)/.exec(word)?.[1]?.toLowerCase() ?? '') ?? word)
    await ended(stage.run(service, filled))
  }
}

describe.skipIf(nats === '')(`compose.cluster.yaml${'reason' in found ? ` (skipped: ${found.reason})` : ''}`, () => {
  test(
    'is a network: its commands found one, its hubs meet and serve each other, also without one of the servers',
    async () => {
      const stage = new Composed('compose.cluster.yaml', nats)
      const commands = commandsOf(stage.text)
      expect(commands.map(({ words }) => words.slice(0, 2).join(' '))).toEqual([
        ...['cluster.js init', 'cluster.js identity', 'cluster.js propose', 'cluster.js propose', 'key.js scout'],
      ])
      await founded(stage, commands)

      const running = new Map<string, Program>()
      for (const name of [...servers, ...hubs]) running.set(name, stage.up(name))
      for (const name of hubs) await running.get(name)!.wrote(/intents are kept by the servers between hubs/)
      const made = await ended(stage.run(commands[4]!.service, commands[4]!.words))
      // The image's own providers would be what the person has; here it is the one that needs nothing.
      writeFileSync(join(stage.folder, '.env'), `SCOUT_KEY=${made}\nPROVIDERS=demo\n`)
      for (const name of hubs) while ((await stage.health(name).exited) !== 0) await pause()
      // A person takes longer than the second that a key takes to every hub, and a scout ends over one that is unknown.
      for (const name of hubs) await knows(stage.url(name), made)
      for (const name of hubs) running.set(`scout-${name}`, stage.up(`scout-${name}`))
      expect([...running.keys()].toSorted()).toEqual(stage.names.toSorted())
      for (const name of hubs) await running.get(`scout-${name}`)!.wrote(/Connected as/)
      for (const name of hubs) expect(await stage.health(`scout-${name}`).exited).toBe(0)

      const key = await running.get('alpha')!.wrote(/First client key, shown once: (\S+)/)
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
      /** Asked again until it comes: keys, hubs and servers find each other within moments. */
      const insisted = async (url: string, status: number, body?: object) => {
        const init = body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) }
        for (;;) {
          const response = await fetch(url, init).catch(() => null)
          const answer = (await response?.json().catch(() => null)) as Record<string, unknown> | null
          if (response?.status === status && answer !== null) return answer
          await pause()
        }
      }
      const messages = [{ role: 'user', content: 'Say something.' }]
      const chat = { model: 'demo-small', messages, provider: { only: ['hub:beta'] } }
      const answered = async () => {
        const answer = await insisted(`${stage.url('gamma')}/v1/chat/completions`, 200, chat)
        return (answer as { chasm: { scout: string } }).chasm.scout
      }
      const done = async (at: string, shownBy: string) => {
        const { id } = await insisted(`${stage.url(at)}/v1/intents`, 202, { model: 'demo-small', input: 'hello' })
        for (;;) {
          const { state } = await insisted(`${stage.url(shownBy)}/v1/intents/${String(id)}`, 200)
          if (state !== 'running') return state
          await pause()
        }
      }
      expect(await answered()).toBe('hub:beta/beta')
      expect(await done('alpha', 'gamma')).toBe('done')
      // The first of every hub's list.
      running.get('nats-1')!.signal('SIGKILL')
      expect(await answered()).toBe('hub:beta/beta')
      expect(await done('beta', 'alpha')).toBe('done')

      for (const [name, program] of running) if (name !== 'nats-1') program.signal('SIGTERM')
      for (const name of [...hubs, ...hubs.map((hub) => `scout-${hub}`)])
        expect(await running.get(name)!.exited).toBe(0)
    },
    installMsMax,
  )
})
