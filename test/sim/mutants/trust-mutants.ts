/**
 * Faults in trust, for `mutant-list.ts`: audits that can be told, references that are no strangers, doubt that does not
 * go or comes from nowhere, convictions that nothing holds up, and a model that is left without its last scout.
 */
import type { Mutant } from './mutant-list.ts'

const trust = 'orchestrator/trust'
const core = 'orchestrator/core'

export const trustMutants: readonly Mutant[] = [
  // ------------------------------------------------------------ audits
  {
    name: 'an answer is audited by a scout of the same owner',
    file: `${trust}/audits/references.ts`,
    find: "(state === 'new' || state === 'trusted') && !owners.has(owner)",
    replace: "(state === 'new' || state === 'trusted') && (owners.size > 9 || owner !== '')",
  },
  {
    name: 'a doubted scout is a reference',
    file: `${trust}/audits/references.ts`,
    find: "(state === 'new' || state === 'trusted') && !owners.has(owner)",
    replace: "state !== 'convicted' && !owners.has(owner)",
  },
  {
    name: 'a doubted scout is asked again what its owner was asked',
    file: `${trust}/desk/model-book.ts`,
    find: '!one.isTaken && !one.seenBy.has(owner)',
    replace: '!one.isTaken && !one.seenBy.has(owner.toUpperCase())',
  },
  {
    name: 'two audits ask for one request at once',
    file: `${trust}/desk/audits.ts`,
    find: "    if (sample.isTaken) return 'expired'\n",
    replace: '',
  },
  {
    name: 'who was asked in vain may be asked again',
    file: `${trust}/desk/audits.ts`,
    find: '    if (said.scout !== null) sample.seenBy.add(operatorOf(said.scout))\n',
    replace: '    if (said.scout !== null && said.text !== null) sample.seenBy.add(operatorOf(said.scout))\n',
  },
  {
    name: 'what the loser of a hedge has seen is asked again',
    file: 'orchestrator/engine/answers/watch/answer-watch.ts',
    find: 'watched.lines === null || this.attempts > 1',
    replace: 'watched.lines === null || this.attempts > 9',
  },
  {
    name: 'a question that had no answer may be asked of the same owner again',
    file: `${trust}/audits/question-bank.ts`,
    find: 'hadBy: new Set(askedOf)',
    replace: 'hadBy: new Set(tries.map(({ owner }) => owner))',
  },
  {
    name: "a client's tenant is in what a reference gets",
    file: `${trust}/desk/audits.ts`,
    find: '    const { kind, stream, request: body, deadlineMs, served } = sample.answer\n',
    replace:
      '    const { kind, stream, request, deadlineMs, served, tenant } = sample.answer\n' +
      "    const asked = JSON.parse(Buffer.from(request).toString('utf8')) as object\n" +
      '    const body = Buffer.from(JSON.stringify({ ...asked, user: tenant }))\n',
  },
  {
    name: 'a question says whose it is',
    file: `${trust}/audits/envelopes.ts`,
    find: '{ ...example.fields, model, messages }',
    replace: "{ ...example.fields, model, messages, user: 'chasm:audit' }",
  },
  {
    name: 'audits are asked for beyond their bound',
    file: `${trust}/standing/budget.ts`,
    find: '    return this.audits.sum + count <= partFor(doubted)',
    replace: '    return this.audits.sum - 5 <= partFor(doubted)',
  },
  {
    name: 'what audits asked for before a restart is forgotten',
    file: `${trust}/desk/kept-budget.ts`,
    find: '    this.budget.recall(counts, this.now())\n',
    replace: '',
  },
  {
    name: 'what audits cost is counted nowhere',
    file: `${trust}/desk/kept-budget.ts`,
    find: '    spending.add(microDollars, nowMs)\n',
    replace: '',
  },
  {
    name: 'what audits cost before a restart is forgotten',
    file: `${trust}/desk/kept-budget.ts`,
    find: 'this.spending?.recall(hour, spent, this.now())',
    replace: 'this.spending?.recall(hour, [], this.now())',
  },
  {
    name: 'money is spent on audits before the store knows of it',
    file: `${trust}/desk/kept-budget.ts`,
    find: '    if (counts.spent !== undefined) counts.spent[0]! += money\n',
    replace: '',
  },
  {
    name: 'audits are asked for before the store knows of them',
    file: `${trust}/desk/kept-budget.ts`,
    find: '    counts.audits[0]! += ahead\n',
    replace: '',
  },
  {
    name: 'a new question is asked of more than the bound allows',
    file: `${trust}/desk/audits.ts`,
    find: 'while (others.length > 0 && !budget.allows(seat.record, others.length + 1)) others.pop()',
    replace: 'while (others.length > 9) others.pop()',
  },
  {
    name: 'audits go before what clients wait for',
    file: `${trust}/desk/asking.ts`,
    find: '    priority: 0,\n',
    replace: '    priority: 9,\n',
  },

  // ------------------------------------------------------------ doubt and states
  {
    name: 'doubt stays after a confirmation that failed',
    file: `${trust}/standing/record.ts`,
    find: "  if (what === 'cleared') record.doubt = watchedDoubt\n",
    replace: '',
  },
  {
    name: 'a confirmation begins with the evidence of the one before',
    file: `${trust}/standing/record.ts`,
    find: "  if (what === 'grave') Object.assign(record, { evidence: 0, fresh: 0 })\n",
    replace: '',
  },
  {
    name: 'what led to a confirmation counts in it',
    file: `${trust}/standing/record.ts`,
    find: '  if (isFresh && askedMs < (record.appeal?.atMs ?? record.sinceMs)) return\n',
    replace: '',
  },
  {
    name: 'a conviction never ends',
    file: `${trust}/standing/record.ts`,
    find: "record.state === 'convicted' && nowMs >= record.untilMs",
    replace: "record.state === 'convicted' && nowMs >= 2 * record.untilMs",
  },
  {
    name: 'a conviction is not forgotten when it ends',
    file: `${trust}/standing/record.ts`,
    find: 'Object.assign(record, { doubt: 0, passed: 0, repeatTenants: [], untilMs: 0, firstMs: nowMs })',
    replace: 'Object.assign(record, { untilMs: 0, firstMs: nowMs })',
  },
  {
    name: 'a newcomer is trusted before its day is over',
    file: `${trust}/standing/record.ts`,
    find: "record.state === 'new' && isOld && record.passed >= needed",
    replace: "record.state === 'new' && (isOld || nowMs > 0) && record.passed >= needed",
  },
  {
    name: 'new names of a convicted owner are as good as any',
    file: `${trust}/standing/owners.ts`,
    find: 'return passesNeededAgain',
    replace: 'return passesNeeded',
  },
  {
    name: 'one client can have a scout convicted of repeats',
    file: `${trust}/standing/record.ts`,
    find: ' && !repeatTenants.includes(tenant)',
    replace: '',
  },
  {
    name: 'the brake is ignored',
    file: `${trust}/standing/brake.ts`,
    find: 'return watched >= brakeOwnersMin && watched >=',
    replace: 'return watched < 0 && watched >=',
  },
  {
    name: 'repeats convict in spite of the brake',
    file: `${trust}/standing/record.ts`,
    find: 'if (repeatTenants.length >= repeatsMax && mayConvict)',
    replace: 'if (repeatTenants.length >= repeatsMax)',
  },
  {
    name: 'what the brake held up is never decided',
    file: `${trust}/desk/trust-book.ts`,
    find: '      confirm(record, now)\n',
    replace: '',
  },

  // ------------------------------------------------------------ appeals
  {
    name: 'anybody may appeal for a scout',
    file: `${trust}/desk/appeals.ts`,
    find: '.filter((record) => record.owner === owner)',
    replace: '.filter((record) => record.owner !== owner || owner !== null)',
  },
  {
    name: 'a conviction can be appealed as often as one likes',
    file: `${trust}/desk/appeals.ts`,
    find: '  return asked === undefined ? null : appealed\n',
    replace: '  if (asked?.isLost === true) Object.assign(arguments[0], { appeal: undefined })\n  return null\n',
  },
  {
    name: 'an appeal is taken before the store knows of it',
    file: `${trust}/desk/appeals.ts`,
    find:
      "    const trouble = await promise({ write: 'trust', row: rowOf(heard, atMs) })\n" +
      '    if (trouble !== null) return trouble\n' +
      '    // Its time may have ended meanwhile, or the same was asked twice at once: then memory is written again.\n' +
      '    const lost = refusalOf(record)\n' +
      '    if (lost !== null) return lost\n' +
      '    book.appeal(record, atMs)\n' +
      '    // An older row that nobody waited for may have gone into the store behind the first one.\n' +
      "    await commit({ write: 'trust', row: rowOf(record, atMs) })\n",
    replace: '    if (promise !== null || commit !== null) book.appeal(record, atMs)\n',
  },
  {
    name: 'an appeal succeeds after half of its checks',
    file: `${trust}/standing/record.ts`,
    find: '} else if (record.fresh >= freshChecksMax)',
    replace: '} else if (record.fresh >= (appeal === undefined ? freshChecksMax : freshChecksMax / 2))',
  },
  {
    name: 'what was made before an appeal counts in it',
    file: `${trust}/standing/record.ts`,
    find: 'askedMs < (record.appeal?.atMs ?? record.sinceMs)',
    replace: 'askedMs < record.sinceMs',
  },
  {
    name: 'an appeal is lost while the brake holds',
    file: `${trust}/standing/record.ts`,
    find: '    if (!mayConvict) return\n',
    replace: '    if (!mayConvict && appeal === undefined) return\n',
  },
  {
    name: 'a conviction that was overturned counts for the next one',
    file: `${trust}/standing/record.ts`,
    find: '    record.convictions--\n',
    replace: '',
  },
  {
    name: 'who was convicted wrongly is a newcomer afterwards',
    file: `${trust}/standing/record.ts`,
    find: 'Object.assign(record, record.taken)',
    replace: 'Object.assign(record, record.taken, { isProven: false })',
  },

  // ------------------------------------------------------------ what follows
  {
    name: 'the last scout of a model is not asked when it is convicted',
    file: `${core}/fleet/placement.ts`,
    find: 'mark?.isConvicted === true && entry.convicted < entry.offerers && routing.only.length === 0',
    replace: 'mark?.isConvicted === true && entry.offerers > 0 && routing.only.length === 0',
  },
  {
    name: 'a convicted scout is drawn like any other',
    file: `${core}/fleet/placement.ts`,
    find: 'mark?.isConvicted === true && entry.convicted < entry.offerers && routing.only.length === 0',
    replace: 'mark?.isConvicted === true && entry.convicted > entry.offerers && routing.only.length === 0',
  },
  {
    name: 'a convicted scout that is freed takes what waits for the others',
    file: `${core}/task/queueing.ts`,
    find: 'const takesAny = servesAnybody(scout, entry)',
    replace: 'const takesAny = scout !== null',
  },
  {
    name: 'what waits is not given to the convicted when the others leave',
    file: `${core}/trust/marking.ts`,
    find: 'if (entry.convicted === 0 || entry.queued === 0) continue',
    replace: 'if (entry.convicted >= 0 || entry.queued === 0) continue',
  },
  {
    name: 'a conviction weighs where it is only shown',
    file: `${trust}/standing/penalty.ts`,
    find: "if (state === 'convicted' && isEnforced) return",
    replace: "if (state === 'convicted') return",
  },
  {
    name: 'a newcomer gets as much as it asks for',
    file: `${core}/fleet/windows.ts`,
    find: 'running >= newcomerWindow || isFull(places)',
    replace: 'running >= 99 * newcomerWindow || isFull(places)',
  },
  {
    name: 'who was convicted is no newcomer afterwards',
    file: `${trust}/standing/record.ts`,
    find: '    record.isProven = false\n',
    replace: '',
  },
  {
    name: 'newcomers have few places where convictions are only shown',
    file: `${trust}/desk/trust-book.ts`,
    find: 'const isNoNewcomer = settings.isEnforced && isProven(record)',
    replace: 'const isNoNewcomer = isProven(record)',
  },
  {
    name: 'doubt that is gone still weighs',
    file: `${trust}/desk/trust-book.ts`,
    find: "if (state === 'new' && !isNoNewcomer && !this.told.has(record)) return",
    replace: 'if (trustMs === 0 && !isNoNewcomer) return',
  },
  {
    name: 'what becomes of a doubted scout is not written',
    file: `${trust}/desk/trust-book.ts`,
    find: '    else this.timed.delete(record)\n    this.changed.add(record)\n',
    replace: '    else this.timed.delete(record)\n',
  },
]
