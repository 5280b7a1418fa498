/**
 * Faults in the ledger, for `mutant-list.ts`: points that come from nowhere or are lost, receipts that are given twice
 * or never, and a start that does not have what the batches say.
 */
import type { Mutant } from './mutant-list.ts'

const engine = 'orchestrator/engine'
const ledger = 'orchestrator/ledger'

export const ledgerMutants: readonly Mutant[] = [
  {
    name: 'a point more is given than is taken',
    file: `${ledger}/accounts/balances.ts`,
    find: '    this.add(to, kindOf(to), points)\n',
    replace: '    this.add(to, kindOf(to), points + 1)\n',
  },
  {
    name: 'escrow is given without being minted',
    file: `${ledger}/accounts/balances.ts`,
    find: '    this.add(from, kindOf(from), -points)\n',
    replace: '    if (points < 0) this.add(from, kindOf(from), -points)\n',
  },
  {
    name: 'a durable task settles without its receipt',
    file: `${engine}/intents/intent-changes.ts`,
    find: '      ...(earned === null ? [] : [earned]),\n',
    replace: "      ...(earned === null || earned.write === 'earned' ? [] : [earned]),\n",
  },
  {
    name: 'what is sealed stays among what waits',
    file: `${engine}/ledger/ledger-writer.ts`,
    find: 'const earned = sealed.filter(({ isDurable }) => isDurable).map(({ task }) => task)',
    replace: 'const earned = sealed.filter(({ task }) => task < 0).map(({ task }) => task)',
  },
  {
    name: 'receipts that were not sealed before a death are forgotten',
    file: `${engine}/ledger/ledger-writer.ts`,
    find: '      this.waiting.push({ task, receipt, isDurable: true })\n',
    replace: '      if (task < 0) this.waiting.push({ task, receipt, isDurable: true })\n',
  },
  {
    name: 'a chat gets its receipt twice',
    file: `${engine}/ledger/ledger.ts`,
    find: '    this.writer.add(work.task, this.maker.make(work, this.parts.system.wallMs()))\n',
    replace: `    const receipt = this.maker.make(work, this.parts.system.wallMs())
    for (const _ of [1, 2]) this.writer.add(work.task, receipt)\n`,
  },
  {
    name: 'a snapshot leaves escrow out',
    file: `${ledger}/accounts/projector.ts`,
    find: '      this.touched.accounts.add(mint).add(escrow)\n',
    replace: '      this.touched.accounts.add(mint)\n',
  },
  {
    name: 'batches behind the snapshot are not folded at a start',
    file: `${engine}/ledger/replay.ts`,
    find: 'rows = next()) for (const row of rows) projector.fold(batchOf(row))',
    replace: 'rows = []) for (const row of rows.slice(1)) projector.fold(batchOf(row))',
  },
]
