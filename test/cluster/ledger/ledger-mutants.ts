/**
 * Faults in how hubs count each other's ledgers, for `test/sim/mutants/mutant-list.ts`. The life of a network's ledgers
 * under seeds finds them, and the tests of what nobody counts.
 */
import type { Mutant } from '../../sim/mutants/mutant-list.ts'

const pure = 'orchestrator/ledger/network'
const sharing = 'orchestrator/cluster/ledger'
const lived = 'test/cluster/ledger/ledger-life.test.ts'
const attacked = 'test/cluster/ledger/ledger-sharing.test.ts'
const packed = 'test/cluster/ledger/pack.test.ts'
const told = 'test/cluster/ledger/telling.test.ts'

export const ledgerNetworkMutants: readonly Mutant[] = [
  {
    tests: lived,
    name: 'a batch of another hub counts as often as it is told',
    file: `${pure}/hub-ledger.ts`,
    find: '    if (head.seq <= this.end.seq) return this.compare(head.seq, hash)\n',
    replace: '',
  },
  {
    tests: lived,
    name: 'what a hub says that another one had asked for counts at once',
    file: `${pure}/network-ledger.ts`,
    find: 'Math.max(0, share.claimed - agreed)',
    replace: 'Math.max(0, 0 * agreed)',
  },
  {
    tests: lived,
    name: 'the receipt that is told first of a task between hubs is forgotten',
    file: `${pure}/halves.ts`,
    find: '      this.keep(this.acknowledgements, key, acknowledgement)\n',
    replace: '',
  },
  {
    tests: lived,
    name: 'a start forgets the halves that it has counted',
    file: `${pure}/network-ledger.ts`,
    find: '    this.halves.restore(halves)\n',
    replace: '    this.halves.lost = halves.lost\n',
  },
  {
    tests: lived,
    name: 'a batch whose append was not answered is taken for told',
    file: `${sharing}/telling.ts`,
    find: "      if (typeof outcome !== 'object') {\n",
    replace: "      if (outcome === 'unsure') return true\n      if (typeof outcome !== 'object') {\n",
  },
  {
    tests: lived,
    name: 'a task between hubs earns though the one that asked says that it does not',
    file: `${pure}/halves.ts`,
    find: 'if (isVoid || !isInTime || claim.points === 0) return null',
    replace: 'if ((isVoid && !isInTime) || claim.points === 0) return null',
  },
  {
    tests: attacked,
    name: 'a hub may sign two heads of one number',
    file: `${pure}/hub-ledger.ts`,
    find: 'if (known !== undefined && known !== textOf(hash))',
    replace: "if (known === '' && known !== textOf(hash))",
  },
  {
    tests: attacked,
    name: 'an authority may tell of the ledger of another one',
    file: `${sharing}/told.ts`,
    find: 'opened !== null && isSignedBy(opened, subject, publicKey)',
    replace: 'opened !== null && isSignedBy.length + subject.length > 0 && publicKey !== null',
  },
  {
    tests: attacked,
    name: 'a hub that left the roster counts as before',
    file: `${sharing}/ledger-sharing.ts`,
    find: 'return this.parts.membership.chain.latest.hubs.map(',
    replace: 'return this.parts.membership.chain.documents[2]!.document.hubs.map(',
  },
  {
    tests: attacked,
    name: 'the points of a receipt of another hub are believed',
    file: `${pure}/contents.ts`,
    find: 'if (points !== worth)',
    replace: 'if (points < worth)',
  },
  {
    tests: packed,
    name: 'a pack of another hub inflates as far as it says',
    file: `${sharing}/pack.ts`,
    find: ' || !isWithin(length, bytes.length)',
    replace: '',
  },
  {
    tests: packed,
    name: 'as many batches as fit are taken out of one message',
    file: `${sharing}/pack.ts`,
    find: ' || batches.length === packBatchesMax',
    replace: '',
  },
  {
    tests: told,
    name: 'what came in several messages and was taken in part is not read again',
    file: `${sharing}/told.ts`,
    find: '    return { ...part, bytes }\n',
    replace: '    this.fromSeq = null\n    return { ...part, bytes }\n',
  },
]
