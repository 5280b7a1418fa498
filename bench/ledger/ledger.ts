/**
 * What receipts cost: two hubs, one with them and one without, each with a fleet of its own, take turns under the same
 * load; and the ledger alone, from the making of receipts to an auditor's check of all of them.
 */

import type { HubUnderTest } from '../fleet/hub.ts'
import { chatBodies } from '../fleet/population.ts'
import { programPath } from '../load/child.ts'
import { median, type Options, type Result, round, type Say, type Scenario } from '../scenarios/scenario.ts'
import { onStage, type Stage } from '../scenarios/stage.ts'
import { closedRound, warm } from '../scenarios/tasks/dispatch.ts'
import type { LedgerAlone } from './alone-process.ts'
import { signatureCosts } from './signatures.ts'

const receiptsAlone = 1_000_000
const tasksPerDay = 1_000_000

/** Processor microseconds per task with receipts and without, round by round. */
async function paired(stage: Stage, options: Options, say: Say): Promise<{ on: number[]; off: number[] }> {
  const { scouts, inFlight, rounds } = options
  const bodies = chatBodies(options.population)
  const load = await stage.load()
  const costs = { on: [] as number[], off: [] as number[] }
  const hubs: [keyof typeof costs, HubUnderTest][] = []
  for (const receipts of ['on', 'off'] as const) {
    const hub = await stage.hub(null, receipts)
    await stage.staff(hub, await stage.fleet(scouts), scouts)
    await warm(load, hub, hub.target(bodies), inFlight, say)
    hubs.push([receipts, hub])
  }
  for (let turn = 1; turn <= rounds; turn++) {
    // Whoever is second would always have the other one's leftovers before it.
    for (const [receipts, hub] of turn % 2 === 0 ? hubs : hubs.toReversed()) {
      const { cpuUs } = await closedRound(load, hub, hub.target(bodies), options)
      costs[receipts].push(cpuUs)
    }
    say(`round ${turn}/${rounds}: ${round(costs.on.at(-1)!)} us with receipts, ${round(costs.off.at(-1)!)} without`)
  }
  return costs
}

async function alone(scouts: number): Promise<LedgerAlone> {
  const built = Bun.spawnSync([process.execPath, programPath('../verifier/build.ts')])
  if (built.exitCode !== 0) throw new Error('the verifier could not be built')
  const words = [String(receiptsAlone), String(scouts), programPath('../dist/chasm-verify.mjs')]
  const child = Bun.spawn([process.execPath, programPath('ledger/alone-process.ts'), ...words], {
    stdio: ['ignore', 'pipe', 2],
  })
  const text = await new Response(child.stdout).text()
  if ((await child.exited) !== 0) throw new Error('the ledger alone failed')
  return JSON.parse(text) as LedgerAlone
}

export const ledger: Scenario = {
  name: 'ledger',
  about: 'What receipts cost per task, on disk, at a start and for an auditor.',
  defaults: { scouts: 1_000, rounds: 5 },
  run: (options, say) =>
    onStage(options, say, async (stage): Promise<Result> => {
      const found = await alone(options.scouts)
      say(`${found.receipts} receipts alone: ${round(found.receiptUs)} us each`)
      const { checkUs, scoutUs } = signatureCosts()
      const { on, off } = await paired(stage, options, say)
      const receiptsUs = median(on.map((us, turn) => us - off[turn]!))
      const { receiptUs, sealMs, commitMs, bytesPerReceipt, replaySeconds, verifiedPerSecond } = found
      return {
        columns: ['what', 'measured', 'unit', 'wanted'],
        rows: [
          ['a task with receipts', round(median(on)), 'us', ''],
          ['a task without', round(median(off)), 'us', ''],
          ['difference, median of the rounds', round(receiptsUs), 'us', '<= 8'],
          ['of it from work to disk, alone', round(receiptUs), 'us', ''],
          ['a countersigned task, more at the hub', round(checkUs), 'us', ''],
          ['more at its scout', round(scoutUs), 'us', ''],
          ['on disk', round(bytesPerReceipt), 'B per task', '<= 260'],
          ['a day of 1,000,000 tasks', round((bytesPerReceipt * tasksPerDay) / 1e6), 'MB', '<= 200'],
          ['10,000,000 receipts folded again', round(replaySeconds), 's', '<= 60'],
          ['chasm-verify', Math.round(verifiedPerSecond), 'receipts/s', '>= 100000'],
          ['longest turn that seals and folds', round(sealMs), 'ms', '<= 5'],
          ['longest turn that writes', round(commitMs), 'ms', ''],
        ],
        figures: {},
        notes: [
          `${options.scouts} scouts at each of two hubs; the ledger alone with ${found.receipts} receipts of as many`,
          'scouts and five models each, whose chain is folded ten times for the time of ten million.',
        ],
      }
    }),
}
