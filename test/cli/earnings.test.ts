/** `chasm-scout earnings` asks a real hub, and tells an operator what was earned and why something earned nothing. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { seasonAt } from '../../orchestrator/ledger/seasons/season.ts'
import { makeKey } from '../../shared/keys/api-key.ts'
import { earningRowsMax } from '../../shared/limits/ledger/ledger.ts'
import { realSystem } from '../../shared/system.ts'
import { until } from '../support/clocks/until.ts'
import { LiveHub } from '../support/hub/live-hub.ts'
import { Calendar } from '../support/ledger/calendar.ts'
import { PastWork } from '../support/ledger/past-work.ts'
import { startCommand } from '../support/machine/programs.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'

const listed = 'llama-3.1-8b-instant'
const season = seasonAt(Date.now())

let hub: LiveHub
let key: string
let operator: string
let other: { key: string; operator: string }
beforeAll(async () => {
  const calendar = new Calendar()
  hub = new LiveHub({ system: calendar.system })
  const issued = hub.hub.keyring.issue('scout', 'owner')
  key = issued.key
  operator = issued.row.tenant
  const many = hub.hub.keyring.issue('scout', 'many')
  other = { key: many.key, operator: many.row.tenant }
  const past = new PastWork(hub, calendar)
  const ant = { scout: `${operator}/ant`, model: listed, units: 10_000 }
  for (let task = 0; task < 3; task++) past.add({ ...ant, tenant: 'client' })
  past.add({ ...ant, tenant: operator })
  past.add({ ...ant, scout: `${operator}/bee`, model: 'odd\u0007model', tenant: 'client', isDirected: true })
  for (let model = 0; model < earningRowsMax + 20; model++) {
    past.add({ scout: `${other.operator}/cow`, model: `model-${model}`, tenant: 'client', units: 1, isLoop: true })
  }
  await past.sealed()
  const ledger = hub.hub.engine.ledger!
  await until('trust to be known', () => ledger.pointsOf(operator).untrusted === ledger.pointsOf(operator).waiting)
})
afterAll(() => hub.close())

async function earnings(words: string[] = [], env: Record<string, string> = {}) {
  const known = { ORCHESTRATOR_URL: hub.url, SCOUT_KEY: key }
  const program = startCommand(['earnings', ...words], temporaryFolder(), { ...known, ...env })
  const code = await program.exited
  return { code, stdout: program.stdout, stderr: program.stderr }
}

/** A line of a table, whatever stands between its cells. */
function row(...cells: string[]): RegExp {
  return new RegExp(`^${cells.join(' +')}$`, 'm')
}

describe('earnings', () => {
  test('are told by model and day, with what waits and why something earned nothing', async () => {
    const { code, stdout, stderr } = await earnings()
    expect([code, stderr]).toEqual([0, ''])
    const points = waitingOf()
    expect(stdout).toMatch(new RegExp(`^Points {6}0 this season, ${points} waiting until you are trusted$`, 'm'))
    expect(stdout).toMatch(row('Model', 'Tasks', 'Unpaid', 'Points'))
    expect(stdout).toMatch(row(listed, '4', '1', points))
    expect(stdout).toMatch(row('odd model', '1', '1', '0'))
    expect(stdout).toMatch(row(`${season}-\\d\\d`, '5', '2', points))
    expect(stdout).toMatch(/^ +1 {2}Your own requests cost nothing and earn nothing\.$/m)
    expect(stdout).toMatch(/^ +1 {2}The request named the scouts which may serve it\.$/m)
  })

  test('are those of one scout by its name, and of another month', async () => {
    const { stdout } = await earnings(['--name', 'bee'])
    expect(stdout).toMatch(row('odd model', '1', '1', '0'))
    expect(stdout).not.toContain(listed)
    const before = await earnings(['--season', '2026-01'])
    expect(before).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Nothing was done for others in 2026-01.'),
    })
    expect(before.stdout).toMatch(/^Points {6}0 in 2026-01$/m)
  })

  test('of more rows than come at once are added up, for programs as JSON', async () => {
    const { code, stdout } = await earnings(['--json'], { SCOUT_KEY: other.key })
    expect(code).toBe(0)
    const told = JSON.parse(stdout)
    expect(told).toMatchObject({ operator: other.operator, season, cut: false })
    expect(told.models).toHaveLength(earningRowsMax + 20)
    expect(told.days).toMatchObject([{ tasks: earningRowsMax + 20, unpaid: earningRowsMax + 20, points: 0 }])
    expect(told.unpaid).toContainEqual({
      why: 'Your client sent the request on while its scout held it.',
      tasks: earningRowsMax + 20,
    })
  })

  test('that cannot be known are one sentence with what to do', async () => {
    const refused = await earnings(['--season', 'may'])
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('must be a month') })
    const away = await earnings([], { ORCHESTRATOR_URL: 'http://127.0.0.1:1' })
    expect(away).toMatchObject({ code: 1, stderr: expect.stringContaining('nothing listens at this address') })
    const unknown = await earnings([], { SCOUT_KEY: makeKey('scout', realSystem().randomBytes) })
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('does not know the key in SCOUT_KEY') })
    const malformed = await earnings([], { SCOUT_KEY: 'none' })
    expect(malformed).toMatchObject({ code: 2, stderr: expect.stringContaining('SCOUT_KEY') })
  })
})

/** With commas, as they are shown. */
function waitingOf(): string {
  return hub.hub.engine.ledger!.pointsOf(operator).waiting.toLocaleString('en-US')
}
