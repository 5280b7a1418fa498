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
    file: `${ledger}/accounts/projector.ts`,
    find: '    this.half(event.to, event.points, seq, ahead)\n',
    replace: '    this.half(event.to, event.points + 1, seq, ahead)\n',
  },
  {
    name: 'escrow is given without being minted',
    file: `${ledger}/accounts/balances.ts`,
    find: "    this.made = this.grow(this.made, mint, 'mint', -points)\n",
    replace: '',
  },
  {
    name: 'a durable task settles without its receipt',
    file: `${engine}/intents/intent-changes.ts`,
    find: '      ...(earned === null ? [] : [earned.row]),\n',
    replace: '      ...(earned === null || earned.owed >= 0 ? [] : [earned.row]),\n',
  },
  {
    name: 'what is sealed stays among what waits',
    file: `${engine}/ledger/ledger-writer.ts`,
    find: '    batch.earned.push(task)\n',
    replace: '',
  },
  {
    name: 'receipts that were not sealed before a death are forgotten',
    file: `${engine}/ledger/ledger-writer.ts`,
    find: '      this.add(task, { receipt, worked: readReceipt(receipt) })\n',
    replace: '      if (task < 0) this.add(task, { receipt, worked: readReceipt(receipt) })\n',
  },
  {
    name: 'a chat gets its receipt twice',
    file: `${engine}/ledger/ledger.ts`,
    find: '    return this.writer.give(work)\n',
    replace: '    return this.writer.give(work) + this.writer.give(work)\n',
  },
  {
    name: 'a snapshot leaves escrow out',
    file: `${ledger}/accounts/projector.ts`,
    find: 'this.unwritten.accounts.add(mint).add(news.account)\n',
    replace: 'this.unwritten.accounts.add(mint)\n',
  },
  {
    name: 'batches behind the snapshot are not folded at a start',
    file: `${engine}/ledger/replay.ts`,
    find: 'rows = next()) for (const row of rows) projector.fold(batchOf(row), ahead)',
    replace: 'rows = []) for (const row of rows.slice(1)) projector.fold(batchOf(row), ahead)',
  },
  {
    name: 'what rows of an unfinished snapshot have already is folded into them once more',
    file: `${engine}/ledger/replay.ts`,
    find: 'const ahead = written > projected ? aheadOf(snapshot, store) : null',
    replace: 'const ahead = written < 0 ? aheadOf(snapshot, store) : null',
  },
  {
    name: 'a snapshot counts as whole before its last rows are written',
    file: `${engine}/ledger/snapshot-writer.ts`,
    find: 'if (isLast) this.projected = round.upTo',
    replace: 'this.projected = round.upTo',
  },
  {
    name: 'an account of which something is taken is not written',
    file: `${ledger}/accounts/projector.ts`,
    find: '    this.unwritten.accounts.add(account)\n',
    replace: '    if (points > 0) this.unwritten.accounts.add(account)\n',
  },
  {
    name: 'what is set aside of points stays so when its task is over',
    file: `${engine}/charges/charges.ts`,
    find: '    if (hold !== null) this.purse!.over(hold)\n    if (use',
    replace: '    if (use',
  },
  {
    name: 'what an earlier process set aside of points is not given back',
    file: `${engine}/ledger/spending/spending.ts`,
    find: 'if (of !== null) this.add(settleEvents(of.tenant, of.hold, points, null))',
    replace: 'if (of !== null) this.add(settleEvents(of.tenant, of.hold, 0, null))',
  },
  {
    name: 'a task costs all that was set aside for it',
    file: `${ledger}/spending/reservations.ts`,
    find: 'const spent = Math.min(cost?.points ?? 0, reserved)',
    replace: 'const spent = cost !== null ? reserved : 0',
  },
  {
    name: 'what was spent on an answer comes back with each repeat of its verdict',
    file: `${ledger}/accounts/verdicts.ts`,
    find: 'if (repay !== undefined && ended > 0) draft.take',
    replace: 'if (repay !== undefined && ended >= 0) draft.take',
  },
  {
    name: 'what was spent on an answer that does not hold is not given back',
    file: `${ledger}/accounts/verdicts.ts`,
    find: 'if (repay !== undefined && ended > 0) draft.take',
    replace: 'if (repay !== undefined && ended < 0) draft.take',
  },
  {
    name: 'whoever loses a dispute keeps its pledge',
    file: `${ledger}/accounts/verdicts.ts`,
    find: 'const [why, to] = isLost ?',
    replace: 'const [why, to] = isLost && pledge.hearing > 2 ?',
  },
  {
    name: 'the pledge of an appeal stays set aside for ever',
    file: `${ledger}/accounts/verdicts.ts`,
    find: '    ended += draft.take(why, from, to, draft.of(from))\n',
    replace: '    ended += pledge.hearing === 2 ? 0 : draft.take(why, from, to, draft.of(from))\n',
  },
  {
    name: 'what was spent on another task is given back',
    file: `${engine}/ledger/spending/pledges.ts`,
    find: " === 'spend' && transfer.note === note)",
    replace: " === 'spend')",
  },
  {
    name: 'what waited at a conviction vests once the scout is trusted again',
    file: `${ledger}/accounts/vesting.ts`,
    find: '    if (burnsMs !== null) {\n',
    replace: '    if (burnsMs !== null && !trust.isTrusted(escrow.scout, escrow.model)) {\n',
    tests: 'test/ledger/vesting.test.ts',
  },
  {
    name: 'what waited at a conviction waits for ever',
    file: `${ledger}/accounts/vesting.ts`,
    find: 'if (nowMs >= burnsMs) events.push',
    replace: 'if (nowMs >= 8 * burnsMs) events.push',
    tests: 'test/ledger/vesting.test.ts',
  },
  {
    name: 'what was earned after a conviction is burnt with what waited then',
    file: `${ledger}/accounts/vesting.ts`,
    find: 'convictedMs === null || day * dayMs > convictedMs ? null',
    replace: 'convictedMs === null || day * dayMs < 0 ? null',
    tests: 'test/ledger/vesting.test.ts',
  },
  {
    name: 'what a scout has signed counts without being right',
    file: `${engine}/ledger/signing/countersigning.ts`,
    find: 'if (!check.verifies(signedBytes(answer), signature)) {',
    replace: 'if (signedBytes(answer).length === 0 || signature.length === 0) {',
    tests: 'test/ledger/countersignatures.test.ts',
  },
  {
    name: 'the key that a scout names last takes the place of the pinned one',
    file: `${engine}/ledger/signing/signing-keys.ts`,
    find: '    const key = pinned ?? offered\n',
    replace: '    const key = offered\n',
    tests: 'test/ledger/countersignatures.test.ts',
  },
  {
    name: 'what is signed is of any attempt of its task',
    file: 'shared/answers/answer-hash.ts',
    find: 'wholeOf(task), wholeOf(attempt), nonce',
    replace: 'wholeOf(task), wholeOf(0 * attempt), nonce',
    tests: 'test/ledger/countersignatures.test.ts',
  },
  {
    name: 'an account that came to nothing is added to where it was',
    file: `${ledger}/accounts/balances.ts`,
    tests: 'test/ledger/histories.test.ts',
    find: '    if (kept === null || kept.points === 0) {\n',
    replace: '    if (kept === null) {\n',
  },
  {
    name: 'a part of a receipt is minted and not given',
    file: `${ledger}/accounts/balances.ts`,
    find: "    return this.grow(kept, escrow, 'escrow', points)\n",
    replace: "    return this.grow(kept, escrow, 'escrow', Math.max(0, points - 1))\n",
  },
]
