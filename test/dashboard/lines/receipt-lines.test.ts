/** The lines that the page of seasons offers fetch the receipts of whoever has the key, and check them. */

import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { receiptLines } from '../../../orchestrator/dashboard/page/pages/points/verify-lines.ts'
import { batchesPerPage } from '../../../shared/limits/ledger/ledger.ts'
import { until } from '../../support/clocks/until.ts'
import { LiveHub } from '../../support/hub/live-hub.ts'
import { Calendar } from '../../support/ledger/calendar.ts'
import { PastWork } from '../../support/ledger/past-work.ts'
import { Program } from '../../support/machine/programs.ts'
import { temporaryFolder } from '../../support/machine/temporary-folder.ts'

const verifier = join(import.meta.dirname, '../../../verifier/main.ts')

test('receipts of more batches than come at once are fetched and found true', async () => {
  const calendar = new Calendar()
  const live = new LiveHub({ system: calendar.system })
  onTestFinished(() => live.close())
  const { key, row } = live.hub.keyring.issue('scout', 'ant')
  const past = new PastWork(live, calendar)
  const ledger = live.hub.engine.ledger!
  while (ledger.lastSeq() <= batchesPerPage) {
    // As many as one batch holds, so that each second makes several.
    const before = ledger.lastSeq()
    for (let task = 0; task < 2_048; task++) {
      past.add({ scout: `${row.tenant}/ant`, model: 'demo', tenant: 'client', units: 10 })
    }
    await past.sealed()
    await until('a batch', () => ledger.lastSeq() > before)
  }
  const lines = receiptLines(live.url, ledger.hub).replace('npx chasm-verify', `'${process.execPath}' ${verifier}`)
  const program = new Program(['sh', '-c', lines], temporaryFolder(), { CHASM_KEY: key })
  expect([await program.exited, program.stderr]).toEqual([0, ''])
  expect(program.stdout).toMatch(/^True\. \d+ receipts/)
  expect(program.stdout).toContain(`Batches 1 to ${ledger.lastSeq()} without a gap`)
})
