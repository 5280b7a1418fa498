/** A season of the demo network: worked in, vested, closed, exported, and checked without any code of the hub. */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { endOfSeason, seasonAt } from '../../../orchestrator/ledger/seasons/season.ts'
import { isSigned } from '../../../verifier/ledger-check.ts'
import { until } from '../../support/clocks/until.ts'
import { LiveHub, quietConfig } from '../../support/hub/live-hub.ts'
import { Calendar, checkedLedger, monthsAgo } from '../../support/ledger/calendar.ts'
import { dayMs } from '../../support/ledger/small-ledger.ts'
import { temporaryFolder } from '../../support/machine/temporary-folder.ts'

const command = join(import.meta.dirname, '../../../orchestrator/commands/season.ts')

test('a season of the demo network is closed, exported and verified', async () => {
  const calendar = new Calendar()
  const beginMs = monthsAgo(4)
  const season = seasonAt(beginMs)
  calendar.set(beginMs)
  const dataDir = temporaryFolder()
  const hub = new LiveHub({ config: quietConfig(dataDir), system: calendar.system })
  onTestFinished(() => hub.close())
  await hub.addScout({ name: 'ant' })
  const ledger = hub.hub.engine.ledger!
  const work = async (prompt: string) => {
    const headers = { authorization: `Bearer ${hub.clientKey}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ model: 'demo-small', messages: [{ role: 'user', content: prompt }] })
    expect((await fetch(`${hub.baseURL}/chat/completions`, { method: 'POST', headers, body })).status).toBe(200)
  }
  for (const day of [1, 2]) {
    for (let at = 0; at < 6; at++) await work(`question ${day}/${at}`)
    await until('the work to be sealed', () => ledger.conservation().minted > 0 && ledger.lastSeq() >= day)
    calendar.pass(1)
  }
  const { minted } = ledger.conservation()
  expect(minted).toBeGreaterThanOrEqual(12)
  expect(ledger.conservation()).toMatchObject({ escrow: minted, earned: 0 })

  // Three days after the second one, and a week after its owner's key was made.
  calendar.set(beginMs + 9 * dayMs)
  await until('the points to vest', () => ledger.conservation().earned === minted)
  calendar.set(endOfSeason(season))
  await until('the season to be closing', () => ledger.seasons()[0]?.state === 'closing')
  const folder = temporaryFolder()
  const run = (...words: string[]) => {
    const options = { encoding: 'utf8', cwd: folder, env: { ...process.env, DATA_DIR: dataDir } } as const
    const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...words], options)
    return { status, said: stdout + stderr }
  }
  expect(run('export', season, folder)).toMatchObject({ status: 1, said: expect.stringContaining('is not final') })
  expect(run('close', season)).toMatchObject({ status: 0 })
  await until('the season to be closed', () => ledger.seasons()[0]?.state === 'closed')

  await until('that to be stored', () => run('show', season).said.includes(`${season} is closed: ${minted} points`))
  expect(run('export', season, folder)).toMatchObject({ status: 0 })
  expect(run('export', season, folder)).toMatchObject({ status: 1, said: expect.stringContaining('EEXIST') })
  for (const ending of ['csv', 'json']) {
    const bytes = readFileSync(join(folder, `${season}.${ending}`))
    const signature = readFileSync(join(folder, `${season}.${ending}.sig`), 'latin1').trim()
    expect(isSigned(ledger.hub, bytes, signature)).toBe(true)
  }
  expect(run('ledger', 'all.jsonl')).toMatchObject({ status: 0 })
  const found = checkedLedger(readFileSync(join(folder, 'all.jsonl'), 'utf8'), ledger.hub)
  const operator = hub.hub.engine.scouts()[0]!.operator
  expect(found.books?.season(season)).toEqual([[operator, minted]])
  expect(readFileSync(join(folder, `${season}.csv`), 'utf8')).toBe(
    `season,operator,points\n${season},${operator},${minted}\n`,
  )

  await expectSameOverHttp(hub, season, folder)

  expect(run('paid', season, 'transfer 17')).toMatchObject({ status: 0 })
  await until('the payment to be noted', () => run('list').said.includes(`${season}  paid`))
  expect(ledger.seasons()[0]).toMatchObject({ note: 'transfer 17' })
  expect(run('paid', season, 'again')).toMatchObject({ status: 1, said: expect.stringContaining('cannot be') })
  expect(run('correct', operator, '-5', 'counted twice')).toMatchObject({ status: 1 })
  expect(run('correct', operator, '5', 'a gift')).toMatchObject({ status: 0 })
  await until('the correction', () => ledger.conservation().minted === minted + 5)
  expect(run('list', 'more')).toMatchObject({ status: 2, said: expect.stringContaining('Usage') })
  writeFileSync(join(folder, 'taken'), '')
  expect(run('ledger', 'taken')).toMatchObject({ status: 1, said: expect.stringContaining('exists already') })
})

/** The routes give the files that the command has written, and their signatures as files as well. */
async function expectSameOverHttp(hub: LiveHub, season: string, folder: string): Promise<void> {
  const fetched = async (format: string) => {
    const headers = { authorization: `Bearer ${hub.adminKey}` }
    const response = await fetch(`${hub.baseURL}/seasons/${season}/statement?format=${format}`, { headers })
    return { status: response.status, bytes: Buffer.from(await response.arrayBuffer()) }
  }
  for (const ending of ['csv', 'json']) {
    const { bytes } = await fetched(ending)
    expect(bytes.equals(readFileSync(join(folder, `${season}.${ending}`)))).toBe(true)
    const signature = (await fetched(`${ending}.sig`)).bytes.toString().trim()
    expect(isSigned(hub.hub.engine.ledger!.hub, bytes, signature)).toBe(true)
  }
  expect((await fetched('sig')).status).toBe(400)
}

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
