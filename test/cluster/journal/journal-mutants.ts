/**
 * Faults in the journal that hubs share, for `test/sim/mutants/mutant-list.ts`. The life of a network under seeds, and
 * the tests of single lives and takeovers, find them.
 */
import type { Mutant } from '../../sim/mutants/mutant-list.ts'

const journal = 'orchestrator/cluster/journal'
const lived = 'test/cluster/journal/network-life.test.ts'
const single = 'test/cluster/journal/life.test.ts'
const takeover = 'test/cluster/journal/takeover.test.ts'
const marked = 'test/cluster/journal/marks/marks.test.ts'
const late = 'test/cluster/late-effects.test.ts'
const handover = 'orchestrator/engine/intents/handover'
const lines = 'test/engine/mirrored-intent.test.ts'

export const journalMutants: readonly Mutant[] = [
  {
    tests: lived,
    name: 'a hub of a network goes on writing behind who has taken its intent',
    file: `${journal}/intent-journal.ts`,
    find: "      if (counts) return 'taken'\n",
    replace: '      if (counts) place.valid = next.seq\n',
  },
  {
    tests: lived,
    name: 'a hub of a network takes an intent without what was written of it',
    file: `${journal}/takeover.ts`,
    find: 'lives.push({ intent, writes: taken.writes })',
    replace: 'lives.push({ intent, writes: taken.writes.slice(0, 2) })',
  },
  {
    tests: lived,
    name: 'an answer that was lost on the way through a network counts as a refusal',
    file: `${journal}/intent-journal.ts`,
    find: "      if (found === 'own') return true\n",
    replace: "      if (found === 'own') return false\n",
  },
  {
    tests: takeover,
    name: 'the intent of a network is not marked for the others',
    file: `${journal}/intent-journal.ts`,
    find: '      isBegun && this.marks.set(intent),\n',
    replace: '      isBegun && Promise.resolve(),\n',
  },
  {
    tests: takeover,
    name: 'what is on its way into the journal of a network is taken for lost',
    file: `${journal}/intent-journal.ts`,
    find: "    if (this.places.has(intent)) return { is: 'here' }\n",
    replace: '',
  },
  {
    tests: takeover,
    name: 'a scout of a network is told that what was not written is committed',
    file: 'orchestrator/engine/writer/commit-barrier.ts',
    find: "effect.type === 'verdict' ? { ...effect, verdict: 'stale' } : effect",
    replace: "effect.type === 'verdict' ? { ...effect, verdict: effect.verdict } : effect",
  },
  {
    tests: takeover,
    name: 'a scout of a network is welcomed before it is known whose leases it has',
    file: 'orchestrator/engine/brain.ts',
    find: 'if (waits === null) return this.admit(greeting)',
    replace: 'if (waits === null || hello.held.length > 0) return this.admit(greeting)',
  },
  {
    tests: late,
    name: 'a record that was on its way when its hub ended hands the intent of a network to nobody',
    file: `${journal}/intent-journal.ts`,
    find: '      if (taken !== null) return taken\n',
    replace: "      return taken ?? { is: 'elsewhere' }\n",
  },
  {
    tests: marked,
    name: 'a mark of open intents goes while some of them are open',
    file: `${journal}/marks.ts`,
    find: '    if (mark.left.size === 0) {\n',
    replace: '    if (mark.left.size <= 1) {\n',
  },
  {
    tests: marked,
    name: 'a mark that somebody else has written counts as one of open intents',
    file: `${journal}/marks.ts`,
    find: '      if (Buffer.compare(found.message, message) === 0) return true\n',
    replace: '      if (Buffer.compare(found.message, message) < 2) return true\n',
  },
  {
    tests: marked,
    name: 'an intent that ended while marks were gathered is marked again for good',
    file: `${journal}/marks.ts`,
    find: 'await this.mark(left, (intent) => this.own.has(intent))',
    replace: 'await this.mark(left, () => true)',
  },
  {
    tests: marked,
    name: 'the marks of a process of a network are taken for those of the one before',
    file: `${journal}/marks.ts`,
    find: ' && !this.isOfThisProcess(hub, name)',
    replace: '',
  },
  {
    tests: late,
    name: 'an intent of a network that came late is written on without a journal',
    file: `${journal}/intent-journal.ts`,
    find: '      if (from === this.parts.membership.own.name) this.unshared.add(intent)\n',
    replace: '      this.unshared.add(intent)\n',
  },
  {
    tests: late,
    name: 'an intent of a network that goes on is erased with those that ended',
    file: `${journal}/intent-journal.ts`,
    find: '    this.ended.delete(intent)\n    await this.erasing.get(intent)\n',
    replace: '    await this.erasing.get(intent)\n',
  },
  {
    tests: late,
    name: 'an intent of a network goes on in a journal that is being erased',
    file: `${journal}/intent-journal.ts`,
    find: '    await this.erasing.get(intent)\n',
    replace: '',
  },
  {
    tests: single,
    name: 'whoever follows the second copy of a record of a network is not believed',
    file: `${journal}/life.ts`,
    find: ' || this.copies.has(previous)',
    replace: '',
  },
  {
    tests: single,
    name: 'the signature under a record of a network is not checked',
    file: `${journal}/life.ts`,
    find: '  if (!isSignedBy(opened, subject, authority.publicKey)) return null\n',
    replace: '  if (isSignedBy === undefined) return null\n',
  },
  {
    tests: single,
    name: 'a record of an older epoch of a network counts',
    file: `${journal}/life.ts`,
    find: '    if (part.epoch < before.epoch) return false\n',
    replace: '',
  },
  {
    tests: single,
    name: 'whoever is in the network writes behind the records of another hub',
    file: `${journal}/life.ts`,
    find: '    if (before.from !== part.from || before.boot !== part.boot || before.key !== part.key) return false\n',
    replace: '',
  },
  {
    tests: lines,
    name: 'a line that a hub of a network has asked for twice is told twice',
    file: `${handover}/mirrored-intent.ts`,
    find: 'lines.slice(before - from)',
    replace: 'lines.slice(0)',
  },
  {
    tests: lines,
    name: 'lines of an attempt that was given up stay at other hubs of a network',
    file: `${handover}/mirrored-intent.ts`,
    find: '?.sink.void(write.attempt)\n',
    replace: '?.sink.void(0)\n',
  },
  {
    tests: 'test/cluster/journal/live-lines.test.ts',
    name: 'the end of a task is told at another hub of a network before all of its lines',
    file: `${handover}/copies.ts`,
    find: 'life.writes.some(endsTask)',
    replace: 'life.writes.length < 0',
  },
]
