/**
 * Faults in what keys are charged, for `mutant-list.ts`: each leaves something reserved, or counts what was not booked.
 */
import type { Mutant } from './mutant-list.ts'

const engine = 'orchestrator/engine'

export const budgetMutants: readonly Mutant[] = [
  {
    name: 'a chat that fails keeps what was reserved for it',
    file: `${engine}/client-desk.ts`,
    find: '    if (use !== null || costsPoints || isLimited(key)) {\n',
    replace: '    if (use !== null) {\n',
  },
  {
    name: 'a node that ends without an answer keeps what was reserved for it',
    file: `${engine}/intents/live-intents.ts`,
    find: '    closeAll(charges, [task.tab])\n',
    replace: '',
  },
  {
    name: 'nodes that were to join and never did keep what was reserved for them',
    file: `${engine}/intents/live-intents.ts`,
    find: "    if (task.pending?.type === 'expand') closeAll(charges, task.pending.tabs.values())\n",
    replace: '',
  },
  {
    name: 'an intent that the store refuses keeps what was reserved for it',
    file: `${engine}/intents/intent-commands.ts`,
    find: '          closeAll(charges, tabs.values())\n',
    replace: '',
  },
  {
    name: 'what was used is booked and not counted',
    file: `${engine}/charges/charges.ts`,
    find: 'const tokens = use === null ? 0 : saturated(use.promptTokens + use.completionTokens)',
    replace: 'const tokens = 0 * Number(use === null || saturated(0))',
  },
  {
    name: 'who leaves early is charged and not booked',
    file: `${engine}/client-desk.ts`,
    find: '    if (use !== null) book.add(key, use, microDollars)\n',
    replace: '    if (use !== null && cause === null) book.add(key, use, microDollars)\n',
  },
  {
    name: 'the account of a key is not charged',
    file: 'orchestrator/tenants/tenants.ts',
    find: 'close(ofAccount, reservation?.account === account ? reservation : null, used, day)',
    replace: 'close(ofAccount, reservation, { tokens: 0, microDollars: 0 }, day)',
  },
  {
    name: 'an account is not charged for what began before it had limits',
    file: 'orchestrator/tenants/tenants.ts',
    find: 'const ofAccount = account === null ? undefined : this.accounts.get(account)',
    replace: 'const ofAccount = account === null || reservation === null ? undefined : this.accounts.get(account)',
  },
  {
    name: 'use that is not written yet is not known of a key that gets limits',
    file: `${engine}/charges/booked-use.ts`,
    find: '    for (const write of journal.unwritten()) {\n',
    replace: '    for (const write of [...journal.unwritten()].slice(0, 0)) {\n',
  },
]
