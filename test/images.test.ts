import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { LiveHub } from './support/hub/live-hub.ts'
import { Image, imagesNeed } from './support/machine/image.ts'

const need = imagesNeed()
const buildMs = 300_000

function filesOf(image: Image): string[] {
  const entries = readdirSync(image.files, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name)
}

const cLibrary = /^(ld-linux|ld-musl|lib(c|m|dl|pthread)\.)/

describe.skipIf(need !== null)(`the images${need === null ? '' : `, skipped: ${need}`}`, () => {
  test(
    'the scout: one executable that serves read-only and unprivileged, tells its health, and drains',
    async () => {
      const image = Image.build('scout')
      const files = filesOf(image).filter((name) => !cLibrary.test(name))
      expect(files.sort()).toEqual(['chasm-scout', 'group', 'passwd'])
      const hub = new LiveHub()
      const env = { ORCHESTRATOR_URL: hub.url, SCOUT_KEY: hub.scoutKey, PROVIDERS: 'demo' }
      const scout = image.run(env)
      await scout.wrote(/Connected as/)
      const health = image.healthcheck(scout, env)
      expect([await health.exited, health.stdout]).toEqual([0, expect.stringMatching(/connected/i)])
      const doctor = image.exec(scout, ['chasm-scout', 'doctor'], env)
      expect([await doctor.exited, doctor.stdout]).toEqual([0, expect.stringMatching(/\w/)])
      expect(await answerOf(hub)).toContain('"chat.completion"')
      scout.signal('SIGTERM')
      expect(await scout.exited).toBe(0)
      await hub.close()
    },
    buildMs,
  )

  test(
    'the orchestrator: a bundle that serves read-only and unprivileged, tells its health, and drains',
    async () => {
      const image = Image.build('orchestrator')
      const files = filesOf(image).filter((name) => !cLibrary.test(name))
      const isOfPage = (name: string) => /\.(js|css|html)(\.br|\.gz)?$/.test(name)
      expect(files).toContain('index.html')
      expect(files.filter((name) => !isOfPage(name)).sort()).toEqual(['bun', 'group', 'passwd'])
      const env = { PORT: '18080', HOST: '127.0.0.1' }
      const hub = image.run(env, ['/data'])
      await hub.wrote(/First client key, shown once: (chasm_client_\w+)/)
      expect(await image.healthcheck(hub, env).exited).toBe(0)
      const key = image.exec(hub, ['bun', 'key.js', 'scout'], env)
      expect([await key.exited, key.stdout]).toEqual([0, expect.stringMatching(/chasm_scout_\w+/)])
      hub.signal('SIGTERM')
      expect(await hub.exited).toBe(0)
    },
    buildMs,
  )
})

async function answerOf(hub: LiveHub): Promise<string> {
  const response = await fetch(`${hub.baseURL}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${hub.clientKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'demo-small', messages: [{ role: 'user', content: 'hello' }] }),
  })
  return response.text()
}
