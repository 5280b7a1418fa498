/**
 * Faults in how attempts end, how often a task is tried, and what the hub died of, for `mutant-list.ts`: somebody works
 * in vain, waits in vain, or is asked again and again.
 */
import type { Mutant } from './mutant-list.ts'

const core = 'orchestrator/core'

export const attemptMutants: readonly Mutant[] = [
  {
    name: 'nobody tells the scout that its client has left',
    file: `${core}/core.ts`,
    find: '  cancelLeases(core, task, event.fault.code)\n',
    replace: '',
  },
  {
    name: 'an attempt whose answer broke is not cancelled',
    file: `${core}/core.ts`,
    find: '  cancelLease(core, task, lease, event.fault.code)\n',
    replace: '',
  },
  {
    name: 'what a lost result makes needless is worked on',
    file: `${core}/task/terminal.ts`,
    find: '    cancelLeases(core, task, cause.code)\n',
    replace: '',
  },
  {
    name: 'a scout that fell silent is not cancelled',
    file: `${core}/step/deadlines.ts`,
    find: '    cancelLease(core, task, lease, cause.code)\n',
    replace: '',
  },
  {
    name: 'a task is tried for ever',
    file: `${core}/task/attempts.ts`,
    find: 'const spent = task.charged >= attemptsMax(core, task) || task.handedBack > core.settings.returnsMax',
    replace: 'const spent = attemptsMax(core, task) < 0',
  },
  {
    name: 'what is handed back is not counted',
    file: `${core}/task/attempts.ts`,
    find: "  if (retry === 'free') task.handedBack++\n  else task.charged++\n",
    replace: "  if (retry !== 'free') task.charged++\n",
  },
  {
    name: 'what seems to end scouts goes to the next one at once',
    file: `${core}/task/attempts.ts`,
    find: "const isDangerous = task.intent === null && task.lost > 1 && cause.code === 'scout_lost'",
    replace: 'const isDangerous = task.lost < 0',
  },
  {
    name: 'a chat waits for a lost scout before its first content',
    file: `${core}/step/sessions.ts`,
    find: 'if (isForsaken || (!goesOn && task.intent === null)) {',
    replace: 'if (isForsaken) {',
  },
  {
    name: 'a durable task waits for its scout as long as if it had no other',
    file: `${core}/step/sessions.ts`,
    find: 'if (goesOn || task.entry.scouts > 0) {',
    replace: 'if (goesOn) {',
  },
  {
    name: 'a scout that has said that it leaves is waited for',
    file: `${core}/step/sessions.ts`,
    find: "  const isForsaken = scout.state === 'draining'\n",
    replace: "  const isForsaken = scout.state === 'draining' && core.nowMs < 0\n",
  },
  {
    name: 'an intent that ended the process twice is tried again',
    file: 'orchestrator/engine/intents/handover/recovery.ts',
    find: 'const isPoison = (deaths.get(id) ?? 0) >= intentDeathsMax',
    replace: 'const isPoison = (deaths.get(id) ?? 0) > 9 * intentDeathsMax',
  },
  {
    name: 'what the hub died of is forgotten with the next note, before it is written down',
    file: 'orchestrator/engine/intents/handover/recovery.ts',
    find: '    store.noteDeaths(all, null)\n',
    replace: '',
    tests: 'test/engine/durability/set-aside.test.ts',
  },
  {
    name: 'an intent that is set aside has failed though its result is there',
    file: 'orchestrator/engine/durability/set-aside.ts',
    find: "node === intent.resultNode && state === 'done'",
    replace: "node === intent.resultNode && state === 'failed' && tasks.length === 0",
    tests: 'test/engine/durability/set-aside.test.ts',
  },
  {
    name: 'it is not noted which intent is in hand',
    file: 'orchestrator/engine/durability/set-aside.ts',
    find: '  store.noteInHand(intent)\n',
    replace: '',
  },
  {
    name: 'an Idempotency-Key answers whatever is asked under it',
    file: 'orchestrator/engine/durability/idempotency.ts',
    find: '      if (known.bodyHash !== bodyHash) return mismatch\n',
    replace: '',
  },
  {
    name: 'a scout may begin to offer names that mean the hub',
    file: 'orchestrator/gateway/session.ts',
    find: '        if (this.hasReserved(frame)) return\n',
    replace: '',
  },
  {
    name: 'a growth that was written ahead stays when its node ends',
    file: 'orchestrator/engine/intents/intents.ts',
    find: "      this.journal.add([{ write: 'forgetRequestsAhead', intent, tasks }], () => {})\n",
    replace: '      void tasks\n',
  },
]
