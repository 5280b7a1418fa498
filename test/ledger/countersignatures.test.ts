/** What scouts sign of their answers, as the ledger takes it: an honest one, and the ways to cheat with it. */
import { describe, expect, test } from 'vitest'
import type { WorkDone } from '../../orchestrator/engine/ports/ledger/work.ts'
import { isReceipt, type Receipt, readReceipt } from '../../orchestrator/ledger/receipts/receipt.ts'
import { answerHashOf, signedBytes } from '../../shared/answers/answer-hash.ts'
import { AnswerKey, keyIn, keyText } from '../../shared/answers/answer-keys.ts'
import { HashedAnswer } from '../../shared/answers/answer-texts.ts'
import { countersignaturesWaitingMax } from '../../shared/limits/ledger/ledger.ts'
import { decodeFromScout, encode } from '../../shared/protocol/codec.ts'
import { checkedLedger } from '../support/ledger/calendar.ts'
import { KeptLedger } from '../support/ledger/kept-ledger.ts'
import { workOf } from '../support/ledger/past-work.ts'

const scout = 'key_ant/ant'
const [key, otherKey] = [1, 2].map((fill) => new AnswerKey(new Uint8Array(32).fill(fill)))
const nonceOf = (task: number) => new Uint8Array(16).fill(task % 251)

/** What it signs in place of what it answered. */
type Lies = Partial<{ task: number; attempt: number; nonce: Uint8Array; text: string }>

class SigningStage extends KeptLedger {
  readonly session = 7

  join(publicKey: Uint8Array, session = this.session, name = scout): void {
    this.ledger.keys.joined(session, name, publicKey)
  }

  /** What the scout of this task answers and signs with this key. */
  done(task: number, by: AnswerKey, lies: Lies = {}) {
    const salt = this.ledger.saltFor(this.session, task) ?? new Uint8Array(16)
    const textsOf = (content: string) => {
      const hashed = new HashedAnswer()
      hashed.line(JSON.stringify({ choices: [{ index: 0, delta: { content } }] }))
      return hashed.end()
    }
    const answerHash = answerHashOf(salt, textsOf(lies.text ?? 'yes'))
    const { attempt = 1, nonce = nonceOf(task) } = lies
    const signature = by.sign(signedBytes({ task: lies.task ?? task, attempt, nonce, answerHash }))
    const work = workOf(task, { scout, model: 'llama-3.1-8b-instant', tenant: 'key_app', units: 100 })
    const signed = { nonce: nonceOf(task), signature }
    return { ...work, answer: { texts: textsOf('yes'), textBytes: 3 }, signed } satisfies WorkDone
  }

  give(work: WorkDone): void {
    this.ledger.worked(work)
    this.pass(2_000)
  }

  /** By task. */
  get receipts(): Map<number, Receipt> {
    const leaves = this.ledger.batchesAfter(0, 99).flatMap((batch) => batch.leaves)
    const found = leaves.filter(isReceipt).map(readReceipt)
    return new Map(found.map((receipt) => [receipt.task, receipt]))
  }

  isCountersigned(task: number): boolean {
    return this.receipts.get(task)!.countersignature !== null
  }
}

function stageWith(publicKey = key!.publicKey): SigningStage {
  const stage = new SigningStage()
  stage.join(publicKey)
  return stage
}

describe('an answer that its scout has signed', () => {
  test('has a receipt that says so, under a key that the chain pins before, and the verifier checks both', () => {
    const stage = stageWith()
    expect(stage.ledger.keys.noteOf(stage.session)).toContain('with the first answer')
    stage.give(stage.done(1, key!))
    stage.give(stage.done(2, key!))
    expect([1, 2].map((task) => stage.isCountersigned(task))).toEqual([true, true])
    expect(Buffer.from(stage.receipts.get(1)!.countersignature!.subarray(0, 16))).toEqual(Buffer.from(nonceOf(1)))
    expect(stage.store.pinned(scout)).toEqual(key!.publicKey)
    expect(stage.ledger.keys.noteOf(stage.session)).toContain('are countersigned')
    const { signers, receipts, books } = checkedLedger(stage.file(), stage.ledger.hub)
    expect([signers.checked, signers.unknown, signers.replaced, receipts]).toEqual([2, 0, 0, 2])
    expect(books).not.toBeNull()
  })

  test('of a durable task has one, too, whichever comes first: its settlement or the check', () => {
    const stage = stageWith()
    for (const [task, isFirst] of [
      [1, true],
      [2, false],
    ] as const) {
      const { row } = stage.ledger.earned(stage.done(task, key!))
      // What a crash would leave is without it.
      expect(readReceipt((row as Extract<typeof row, { write: 'earned' }>).earned.receipt).countersignature).toBeNull()
      if (isFirst) stage.ledger.settled(task, true)
      stage.system.pass(100)
      expect(stage.ledger.receipt(task, null)).toBe('waiting')
      if (!isFirst) stage.ledger.settled(task, true)
      stage.pass(2_000)
      expect(stage.isCountersigned(task)).toBe(true)
    }
  })

  test('waits for its check as one that is there, and is sealed without it when the process ends', () => {
    const stage = stageWith()
    stage.ledger.worked(stage.done(1, key!))
    expect(stage.ledger.receipt(1, null)).toBe('waiting')
    stage.ledger.stop()
    stage.system.pass(0)
    expect(stage.isCountersigned(1)).toBe(false)
    expect(stage.ledger.signatures.outcomes).toMatchObject({ good: 0, bad: 0, unchecked: 1 })
  })

  test('is taken without its signature where too many wait', () => {
    const stage = stageWith()
    const work = stage.done(1, key!)
    for (let task = 1; task <= countersignaturesWaitingMax + 3; task++) stage.ledger.worked({ ...work, task })
    expect(stage.ledger.signatures.outcomes.unchecked).toBe(3)
    stage.ledger.stop()
    stage.system.pass(0)
    expect(stage.receipts.size).toBe(countersignaturesWaitingMax + 3)
  })
})

describe('a signature counts for nothing, and its answer as any other', () => {
  test.each([
    ['of another scout', otherKey!, {}],
    ['of another task', key!, { task: 9 }],
    ['of another attempt', key!, { attempt: 2 }],
    ['with another nonce', key!, { nonce: new Uint8Array(16) }],
    ['of another text', key!, { text: 'no' }],
  ] as const)('that is %s', (_what, by, lies) => {
    const stage = stageWith()
    stage.give(stage.done(1, by, lies))
    expect(stage.isCountersigned(1)).toBe(false)
    expect(stage.receipts.get(1)!.points).toBeGreaterThan(0)
    expect(stage.ledger.signatures.outcomes).toMatchObject({ good: 0, bad: 1 })
    // Nothing was proved, so no key is kept.
    expect(stage.store.pinned(scout)).toBeUndefined()
  })

  test('that was sent once before, with another task', () => {
    const stage = stageWith()
    const first = stage.done(1, key!)
    stage.give(first)
    stage.give({ ...stage.done(2, key!), signed: first.signed })
    expect([stage.isCountersigned(1), stage.isCountersigned(2)]).toEqual([true, false])
  })

  test('of a salt that the hub has not given, or under bytes of another length', () => {
    const stage = stageWith()
    // Of the salt of another task.
    const lied = stage.done(3, key!)
    stage.give({ ...stage.done(1, key!), signed: { ...lied.signed, nonce: nonceOf(1) } })
    stage.give({ ...stage.done(2, key!), signed: { nonce: nonceOf(2), signature: new Uint8Array(64) } })
    expect(stage.ledger.signatures.outcomes).toMatchObject({ good: 0, bad: 2 })
  })

  test('of another length: it is no frame, and closes the socket', () => {
    const told = { chunks: 0, provider: 'groq', credits: 0, fault: '', message: '', param: '', retryAfterMs: 0 }
    const settle = { type: 'settle', task: 1, attempt: 1, nonce: nonceOf(1), outcome: 'done', ...told } as const
    const read = (signature?: Uint8Array | null) =>
      decodeFromScout(encode({ ...settle, size: 0, body: null, ...(signature !== undefined && { signature }) }))
    for (const length of [0, 63, 65]) {
      const reason = 'settle.signature must be exactly 64 bytes, or null, or absent'
      expect(read(new Uint8Array(length))).toEqual({ type: 'malformed', reason })
    }
    for (const fine of [undefined, null, new Uint8Array(64)]) expect(read(fine).type).toBe('settle')
  })

  test('of a scout that has named no key, which gets no salt either', () => {
    const stage = new SigningStage()
    expect(stage.ledger.saltFor(stage.session, 1)).toBeUndefined()
    expect(stage.ledger.keys.noteOf(stage.session)).toBeUndefined()
    stage.give(stage.done(1, key!))
    expect(stage.ledger.signatures.outcomes).toMatchObject({ good: 0, unknown: 1 })
  })

  test('under a key that is no point of the curve', () => {
    const stage = stageWith(new Uint8Array(32).fill(0xff))
    stage.give(stage.done(1, key!))
    expect(stage.ledger.signatures.outcomes).toMatchObject({ good: 0, bad: 1 })
  })
})

describe('the key of a scout', () => {
  test('is the first one that signed, also after a restart, and another one is refused in words', () => {
    const stage = stageWith()
    stage.give(stage.done(1, key!))
    stage.ledger.keys.gone(stage.session)
    for (const isRestarted of [false, true]) {
      if (isRestarted) stage.start()
      stage.join(otherKey!.publicKey)
      expect(stage.ledger.saltFor(stage.session, 2)).toBeUndefined()
      expect(stage.ledger.keys.noteOf(stage.session)).toContain('another key for this name')
      stage.give(stage.done(isRestarted ? 3 : 2, otherKey!))
      expect(stage.ledger.signatures.outcomes.bad).toBe(1)
      stage.ledger.keys.gone(stage.session)
    }
    expect(stage.receipts.get(2)!.countersignature).toBeNull()
    expect(stage.store.pinned(scout)).toEqual(key!.publicKey)
  })

  test('is one for all sockets of its name: what another process of that name signs does not count', () => {
    const stage = stageWith()
    stage.join(otherKey!.publicKey, 8)
    expect([7, 8].map((session) => stage.ledger.keys.signs(session))).toEqual([true, false])
    // It has gone without having signed anything.
    stage.ledger.keys.gone(7)
    expect(stage.ledger.keys.signs(8)).toBe(true)
  })

  test('is another one once its operator took it back, and the chain shows both', () => {
    const stage = stageWith()
    stage.give(stage.done(1, key!))
    expect(stage.ledger.unpin('key_ant/bee')).toBe(false)
    stage.ledger.keys.gone(stage.session)
    stage.join(otherKey!.publicKey)
    expect(stage.ledger.unpin(scout)).toBe(true)
    stage.give(stage.done(2, otherKey!))
    expect([1, 2].map((task) => stage.isCountersigned(task))).toEqual([true, true])
    expect(stage.store.pinned(scout)).toEqual(otherKey!.publicKey)
    const { signers } = checkedLedger(stage.file(), stage.ledger.hub)
    expect([signers.checked, signers.replaced]).toEqual([2, 1])
  })

  test('is written in one way', () => {
    const text = keyText(key!.publicKey)
    expect(text).toMatch(/^ed25519:[\w-]{43}$/)
    expect(keyIn(text)).toEqual(key!.publicKey)
    for (const other of [`${text}=`, text.slice(1), `${text}A`, '']) expect(keyIn(other)).toBeNull()
  })
})
