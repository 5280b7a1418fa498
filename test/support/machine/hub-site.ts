/**
 * A hub as an operator runs it: a process on a folder of its own, with keys that were made over HTTP and scouts in
 * processes of their own. It can be ended in any way, and its next life gets the same folder and the same port.
 */
import { IntentClient } from '../clients/intent-client.ts'
import type { Json } from '../providers/provider-calls.ts'
import { type Program, start, startEagerScout } from './programs.ts'
import { temporaryFolder } from './temporary-folder.ts'

const adminKey = 'an-admin-key-of-forty-characters-or-so-1'
const urlLogged = /"url":"(http:[^"]+)"/

/** Starts one; it ends with the test. */
export async function hubSite() {
  const folder = temporaryFolder()
  const startHub = (port: string) =>
    start('orchestrator/main.ts', folder, { PORT: port, DATA_DIR: './data', ADMIN_KEY: adminKey })
  const hub = startHub('0')
  const url = await hub.wrote(urlLogged)
  const admin = new IntentClient(url, adminKey)
  const makeKey = async (role: string) => {
    const made = await admin.ask('POST', '/v1/admin/keys', { role, name: `a ${role}` })
    return ((await made.json()) as Json).key as string
  }
  const clientKey = await makeKey('client')
  return {
    folder,
    hub,
    url,
    client: new IntentClient(url, clientKey),
    nextHub: async (): Promise<Program> => {
      const next = startHub(new URL(url).port)
      await next.wrote(urlLogged)
      return next
    },
    addScout: async (name: string, env: Record<string, string>): Promise<Program> => {
      const dial = { ORCHESTRATOR_URL: url, SCOUT_KEY: await makeKey('scout'), SCOUT_NAME: name }
      const scout = startEagerScout(folder, { ...dial, SCOUT_CONCURRENCY: '64', ...env })
      await scout.wrote(/Connected as/)
      return scout
    },
  }
}
