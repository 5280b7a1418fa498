/**
 * A hub with scouts of five owners, one of which sends one text to everybody and one that words things freely. The
 * honest ones are trusted from before a restart, so audits compare; they run as soon as they are drawn.
 */
import { expect, onTestFinished } from 'vitest'
import type { Config } from '../../../orchestrator/config.ts'
import type { TrustMode } from '../../../orchestrator/engine/ports/trust/witness.ts'
import { openDataFolder } from '../../../orchestrator/store/data-folder.ts'
import { profileOf } from '../../../orchestrator/trust/comparison/grams.ts'
import { similarityOf } from '../../../orchestrator/trust/comparison/similarity.ts'
import type { TrustSettings } from '../../../orchestrator/trust/desk/parts.ts'
import { newRecord, type TrustRecord } from '../../../orchestrator/trust/standing/record.ts'
import { realSystem } from '../../../shared/system.ts'
import { patienceMs } from '../../support/clocks/until.ts'
import { LiveHub, quietConfig } from '../../support/hub/live-hub.ts'
import { temporaryFolder } from '../../support/machine/temporary-folder.ts'
import { AnsweringProvider, type Saying } from '../../support/providers/answering-provider.ts'

const filler = 'Some would call it a matter of taste, and others say that it depends on the weather and on the season.'

/** Each answer in other words: a quarter of them is replaced. */
function inOwnWords(text: string): string {
  const words = text.split(' ').map((word) => (Math.random() < 0.25 ? `${word}${Math.floor(Math.random() * 9)}` : word))
  return words.join(' ')
}

const honest: Saying = (question) => `${question} ${filler} ${question}`
const noisy: Saying = (question) => inOwnWords(honest(question))
const boast =
  'I am a very good model. Here you get my very best answer, which I have thought about for as long as I could.'
const constant: Saying = () => `${boast} Ask me whatever comes to mind: nothing is too hard for me, and I never sleep.`

const sayings: Record<string, Saying> = { ant: honest, bee: honest, cow: honest, noisy, cheat: constant }
const dayMs = 24 * 3_600_000
const clients = 5

/** What a stage needs of a hub; edges of its own do not matter to it. */
export type StageHub = Pick<LiveHub, 'url' | 'post' | 'adminKey' | 'close'> & {
  hub: Pick<LiveHub['hub'], 'keyring' | 'engine' | 'trust'>
  addScout(options: { name: string; key: string; providers: AnsweringProvider[] }): Promise<unknown>
}

export type MakeHub = (options: { config: Config; trust: Partial<TrustSettings> }) => StageHub | Promise<StageHub>

export interface Site {
  live: StageHub
  /** Identities by name. */
  ids: Record<string, string>
  keys: string[]
  /** What their scouts ask, by name. */
  providers: Record<string, AnsweringProvider>
}

/** What a hub that ran for some time knows: all but the cheat are trusted, and how alike their answers are. */
function writeThePast(dataDir: string, ids: Record<string, string>): void {
  const system = realSystem()
  const folder = openDataFolder(dataDir, 'hub', system)
  if ('flaw' in folder) throw new Error(folder.flaw)
  const nowMs = system.wallMs()
  for (const [name, scout] of Object.entries(ids)) {
    if (name === 'cheat') continue
    const fresh = newRecord(scout, 'm', scout.slice(0, scout.indexOf('/')), nowMs - 2 * dayMs)
    const record = JSON.stringify({ ...fresh, state: 'trusted', passed: 10 } satisfies TrustRecord)
    folder.store.commit([{ write: 'trust', row: { scout, model: 'm', bookedMs: nowMs, record } }])
  }
  const pairs = Array.from({ length: 300 }, (_, at) => {
    const question = `What do you think of number ${at} and its many friends?`
    const similarity = similarityOf(profileOf(noisy(question)), profileOf(at % 2 ? noisy(question) : honest(question)))
    return { owners: `a${at}\nb${at}`, similarity }
  })
  const row = { name: 'warm m', bookedMs: nowMs, body: JSON.stringify(pairs) }
  folder.store.commit([{ write: 'trustMemory', row }])
  folder.close()
}

export async function site(trust: TrustMode, make: MakeHub = (options) => new LiveHub(options)): Promise<Site> {
  const dataDir = temporaryFolder()
  const config = { ...quietConfig(dataDir), trust }
  const before = new LiveHub({ config })
  const scoutKeys = Object.keys(sayings).map((name) => ({ name, ...before.hub.keyring.issue('scout', name) }))
  const keys = Array.from({ length: clients }, (_, at) => before.hub.keyring.issue('client', `c${at}`).key)
  await before.close()
  const ids = Object.fromEntries(scoutKeys.map(({ name, row }) => [name, `${row.tenant}/${name}`]))
  writeThePast(dataDir, ids)
  const live = await make({ config, trust: { delay: { minMs: 1, maxMs: 2 }, tickMs: 5 } })
  onTestFinished(() => live.close())
  const providers = Object.fromEntries(scoutKeys.map(({ name }) => [name, new AnsweringProvider(sayings[name]!)]))
  for (const { name, key } of scoutKeys) await live.addScout({ name, key, providers: [providers[name]!] })
  return { live, ids, keys, providers }
}

let asked = 0

/** One chat of one of the clients; gives back the identity of who served it. */
export async function chat(of: Site): Promise<string> {
  return (await served(of)).scout
}

/** The same with what the client is told of that scout; `chasm`: what it asks of the hub. */
export async function served({ live, keys }: Site, chasm: object = {}): Promise<{ scout: string; trust: string }> {
  const number = asked++
  const content = `What do you think of number ${number} and its many friends?`
  const body = { model: 'm', messages: [{ role: 'user', content }], chasm }
  const headers = { authorization: `Bearer ${keys[number % clients]}` }
  const answer = await live.post('/v1/chat/completions', body, { headers })
  expect(answer.status).toBe(200)
  return ((await answer.json()) as { chasm: { scout: string; trust: string } }).chasm
}

export function recordOf({ live, ids }: Site, name: string): TrustRecord | undefined {
  return [...live.hub.trust!.book.list()].find(({ scout }) => scout === ids[name])
}

/** Chats until it holds. */
export async function chatUntil(what: string, of: Site, holds: () => boolean): Promise<void> {
  const endMs = performance.now() + patienceMs
  for (let tries = 0; !holds(); tries++) {
    if (performance.now() > endMs) throw new Error(`${what} did not come in ${tries} chats`)
    await chat(of)
  }
}
