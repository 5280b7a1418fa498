/** The first start of a hub: the link that its supervisor gets signs its reader in as the operator, once. */
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { isReady, type Ready } from '../../orchestrator/banner.ts'
import { OwnPage } from '../support/clients/own-page.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'

const main = join(import.meta.dirname, '..', '..', 'orchestrator', 'main.ts')

/** Starts a hub as the supervisor does, and resolves with what it says when it listens. */
async function started(dataDir: string): Promise<Ready & { stop(): Promise<unknown> }> {
  const ready = Promise.withResolvers<Ready>()
  const hub = Bun.spawn([process.execPath, '--no-env-file', main], {
    cwd: dataDir,
    env: { PATH: process.env.PATH, DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: 'error' },
    stdio: ['ignore', 'inherit', 'inherit'],
    ipc: (message: unknown) => isReady(message) && ready.resolve(message),
    onExit: (_hub, code) => ready.reject(new Error(`the hub ended with ${code}`)),
  })
  onTestFinished(() => hub.kill('SIGKILL'))
  const stop = () => {
    hub.kill('SIGTERM')
    return hub.exited
  }
  return { ...(await ready.promise), stop }
}

test('signs in as an administrator, a second use is refused, and a later start prints none', async () => {
  const dataDir = temporaryFolder()
  const first = await started(dataDir)
  const [url, token] = first.loginUrl!.split('/#login=') as [string, string]
  const page = new OwnPage(url)
  const signedIn = await page.post('/v1/auth/link', { token })
  expect(await signedIn.json()).toMatchObject({ role: 'admin', account: { name: 'operator' } })
  expect((await new OwnPage(url).post('/v1/auth/link', { token })).status).toBe(401)
  expect((await page.ask('/v1/admin/accounts')).status).toBe(200)
  await first.stop()
  const second = await started(dataDir)
  expect(second.loginUrl).toBeUndefined()
  await second.stop()
}, 60_000)
