/** A season of the demo network: worked in, vested, closed, exported, checked by the verifier as it is handed out. */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Ledger } from '../../../orchestrator/engine/ledger/ledger.ts'
import { endOfSeason, seasonAt } from '../../../orchestrator/ledger/seasons/season.ts'
import { until } from '../../support/clocks/until.ts'
import { LiveHub, quietConfig } from '../../support/hub/live-hub.ts'
import { Calendar, monthsAgo } from '../../support/ledger/calendar.ts'
import { dayMs } from '../../support/ledger/small-ledger.ts'
import { builtVerifier } from '../../support/ledger/verifier-program.ts'
import { temporaryFolder } from '../../support/machine/temporary-folder.ts'

const command = join(import.meta.dirname, '../../../orchestrator/commands/season.ts')
const verify = builtVerifier()

/** A hub with two operators' demo scouts, each alone with its model, in a month that is over. */
async function demoNetwork() {
  const calendar = new Calendar()
  const beginMs = monthsAgo(4)
  calendar.set(beginMs)
  const dataDir = temporaryFolder()
  const hub = new LiveHub({ config: quietConfig(dataDir), system: calendar.system })
  onTestFinished(() => hub.close())
  const bee = hub.hub.keyring.issue('scout', 'bee')
  await hub.addScout({ name: 'ant', demo: { models: ['demo-small'] } })
  await hub.addScout({ name: 'bee', demo: { models: ['demo-large'] }, key: bee.key })
  const ant = hub.hub.engine.scouts().find(({ name }) => name === 'ant')!.operator
  const folder = temporaryFolder()
  /** The season command, beside the running hub. */
  const season = (...words: string[]) => {
    const options = { encoding: 'utf8', cwd: folder, env: { ...process.env, DATA_DIR: dataDir } } as const
    const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...words], options)
    return { status, said: stdout + stderr }
  }
  const ledger = hub.hub.engine.ledger as Ledger
  return { hub, ledger, calendar, beginMs, folder, season, ant, bee: bee.row.tenant }
}

type Network = Awaited<ReturnType<typeof demoNetwork>>

/** Two days of chats, whole and streamed; what they were worth. */
async function work({ hub, ledger, calendar }: Network): Promise<number> {
  for (const day of [1, 2]) {
    for (let at = 0; at < 12; at++) {
      const model = at % 2 === 0 ? 'demo-small' : 'demo-large'
      const messages = [{ role: 'user', content: `question ${day}/${at}` }]
      const response = await hub.post('/v1/chat/completions', { model, messages, stream: at % 4 < 2 })
      expect([response.status, (await response.text()).length > 0]).toEqual([200, true])
    }
    await until('the work to be sealed', () => receiptsOf(ledger) === day * 12)
    calendar.pass(1)
  }
  const { minted, escrow, earned } = ledger.conservation()
  expect([minted >= 24, escrow, earned]).toEqual([true, minted, 0])
  return minted
}

function receiptsOf(ledger: Ledger): number {
  return ledger.batchesAfter(0, 999).reduce((sum, { leaves }) => sum + leaves.length, 0)
}

test('a season of the demo network is closed, exported, verified and paid', async () => {
  const network = await demoNetwork()
  const { hub, ledger, calendar, beginMs, folder, season: run, ant, bee } = network
  const season = seasonAt(beginMs)
  const minted = await work(network)
  // Three days after the second one, and a week after its owners' keys were made.
  calendar.set(beginMs + 9 * dayMs)
  await until('the points to vest', () => ledger.conservation().earned === minted)
  calendar.set(endOfSeason(season))
  await until('the season to be closing', () => ledger.seasons()[0]?.state === 'closing')
  expect(run('export', season, folder)).toMatchObject({ status: 1, said: expect.stringContaining('is not final') })
  expect(run('close', season)).toMatchObject({ status: 0 })
  await until('the season to be closed', () => ledger.seasons()[0]?.state === 'closed')
  await until('that to be stored', () => run('show', season).said.includes(`${season} is closed: ${minted} points`))

  expect(run('export', season, folder)).toMatchObject({ status: 0 })
  expect(run('export', season, folder)).toMatchObject({ status: 1, said: expect.stringContaining('EEXIST') })
  expect(run('ledger', 'all.jsonl')).toMatchObject({ status: 0 })
  const rows = rowsOf(readFileSync(join(folder, `${season}.csv`), 'utf8'))
  expect(rows.map(([month, operator]) => [month, operator])).toEqual([bee, ant].map((operator) => [season, operator]))
  expect(rows.reduce((sum, [, , points]) => sum + Number(points), 0)).toBe(minted)
  const inChain = expectVerified(network, season, rows)
  await expectSameOverHttp(hub, season, folder)

  expect(run('paid', season, 'transfer 17')).toMatchObject({ status: 0 })
  await until('the payment to be noted', () => run('list').said.includes(`${season}  paid`))
  expect(ledger.seasons()[0]).toMatchObject({ note: 'transfer 17' })
  expect(run('paid', season, 'again')).toMatchObject({ status: 1, said: expect.stringContaining('cannot be') })
  // Neither the files that were signed nor what the chain says of the season has changed by that.
  await expectSameOverHttp(hub, season, folder)
  expect(run('ledger', 'paid.jsonl')).toMatchObject({ status: 0 })
  expect(verify(folder, 'paid.jsonl', '--hub', ledger.hub)).toMatchObject({
    status: 0,
    said: expect.stringContaining(inChain),
  })
})

/** Rows of a statement, behind its first line. */
function rowsOf(csv: string): string[][] {
  const [first, ...rows] = csv.trimEnd().split('\n')
  expect(first).toBe('season,operator,points')
  return rows.map((row) => row.split(','))
}

/** The verifier finds the files true and no file that was changed; the lines in which it says who earned how much. */
function expectVerified({ folder, ledger: { hub } }: Network, season: string, rows: string[][]): string {
  for (const ending of ['csv', 'json']) {
    const file = `${season}.${ending}`
    const words = ['--hub', hub, '--signature', `${file}.sig`]
    expect(verify(folder, file, ...words)).toMatchObject({ status: 0, said: expect.stringContaining('True.') })
    const forged = readFileSync(join(folder, file), 'latin1').replace(/\d(?=\D*$)/, (digit) => `${digit}0`)
    writeFileSync(join(folder, 'forged'), forged)
    expect(verify(folder, 'forged', ...words)).toMatchObject({ status: 1, said: expect.stringContaining('Not true.') })
  }
  const { status, said } = verify(folder, 'all.jsonl', '--hub', hub)
  const lines = rows.map(([month, operator, points]) => `${month} ${operator} ${points}`).join('\n')
  expect([status, said]).toEqual([0, expect.stringContaining(lines)])
  expect(said).toMatch(/^True\. 24 receipts with \d+ points and \d+ events/)
  const chain = readFileSync(join(folder, 'all.jsonl'), 'latin1')
  writeFileSync(join(folder, 'cut.jsonl'), chain.replace(/^.*\n(?=.*\n$)/m, ''))
  expect(verify(folder, 'cut.jsonl', '--hub', hub)).toMatchObject({ status: 1 })
  return lines
}

/** The routes give the files that the command has written, and their signatures as files as well. */
async function expectSameOverHttp(hub: LiveHub, season: string, folder: string): Promise<void> {
  const fetched = async (format: string) => {
    const headers = { authorization: `Bearer ${hub.adminKey}` }
    const response = await fetch(`${hub.baseURL}/seasons/${season}/statement?format=${format}`, { headers })
    return { status: response.status, bytes: Buffer.from(await response.arrayBuffer()) }
  }
  for (const format of ['csv', 'json', 'csv.sig', 'json.sig']) {
    const { bytes } = await fetched(format)
    expect(bytes.equals(readFileSync(join(folder, `${season}.${format}`)))).toBe(true)
  }
  expect((await fetched('sig')).status).toBe(400)
}

test('what a person asks of the ledger beside the running hub is done by it, or refused with the reason', async () => {
  const { ledger, season: run, folder, ant } = await demoNetwork()
  expect(run('correct', ant, '-5', 'counted twice')).toMatchObject({ status: 1 })
  expect(run('correct', ant, '5', 'a gift')).toMatchObject({ status: 0 })
  await until('the correction', () => ledger.conservation().minted === 5)
  expect(run('list', 'more')).toMatchObject({ status: 2, said: expect.stringContaining('Usage') })
  writeFileSync(join(folder, 'taken'), '')
  expect(run('ledger', 'taken')).toMatchObject({ status: 1, said: expect.stringContaining('exists already') })
})

test('a hub goes on with its ledger after a restart, and refuses a folder whose key is gone', async () => {
  const dataDir = temporaryFolder()
  const config = quietConfig(dataDir)
  const hub = new LiveHub({ config })
  await hub.addScout({ name: 'ant' })
  const headers = { authorization: `Bearer ${hub.clientKey}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ model: 'demo-small', messages: [{ role: 'user', content: 'hello' }] })
  await (await fetch(`${hub.baseURL}/chat/completions`, { method: 'POST', headers, body })).text()
  const { hub: key } = hub.hub.engine.ledger!
  // What waits is sealed at the end.
  await hub.close()
  const again = new LiveHub({ config })
  const { ledger } = again.hub.engine
  expect(ledger!.hub).toBe(key)
  expect(ledger!.lastSeq()).toBe(1)
  const { minted, escrow } = ledger!.conservation()
  expect([minted > 0, escrow]).toEqual([true, minted])
  await again.close()
  const secret = readFileSync(join(dataDir, 'hub.key'))
  writeFileSync(join(dataDir, 'hub.key'), `${Buffer.alloc(32, 5).toString('base64url')}\n`, { mode: 0o600 })
  expect(() => new LiveHub({ config })).toThrow('is not the key that signed the receipts')
  spawnSync('rm', [join(dataDir, 'hub.key')])
  expect(() => new LiveHub({ config })).toThrow('hub.key is missing')
  writeFileSync(join(dataDir, 'hub.key'), secret, { mode: 0o600 })
  writeFileSync(join(dataDir, 'prices.json'), '{"m":[1]}')
  expect(() => new LiveHub({ config })).toThrow('is no price list')
})
