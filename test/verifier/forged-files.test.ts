import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { identityOf } from '../../orchestrator/cluster/roster/identity.ts'
import { earnedOf, escrowOf } from '../../orchestrator/ledger/accounts/account.ts'
import { flagBits } from '../../orchestrator/ledger/points/zero-rules.ts'
import { packHead, readHead } from '../../orchestrator/ledger/receipts/chain.ts'
import { firstLine, rulesLine, wholeBatchLine } from '../../orchestrator/ledger/receipts/export-file.ts'
import type { Receipt } from '../../orchestrator/ledger/receipts/receipt.ts'
import { signedBytes } from '../../shared/answers/answer-hash.ts'
import { AnswerKey, keyText } from '../../shared/answers/answer-keys.ts'
import { Flaw } from '../../verifier/flaw.ts'
import { type Findings, LedgerCheck } from '../../verifier/ledger-check.ts'
import { isSigned } from '../../verifier/line-check.ts'
import {
  mayDay,
  mayMs,
  packReceipt,
  receiptOf,
  receiptOfVersionOne,
  SmallLedger,
  sealLeaves,
} from '../support/ledger/small-ledger.ts'
import { builtVerifier } from '../support/ledger/verifier-program.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'

function checked(file: string, hub: string): Findings {
  const check = new LedgerCheck(hub)
  const lines = file.split('\n')
  if (lines.pop() !== '') throw new Flaw('The file ends in the middle of a line.')
  for (const line of lines) check.take(line)
  return check.end()
}

/** What is wrong with a file; null when it is found true. */
function flawOf(file: string, hub: string): string | null {
  try {
    checked(file, hub)
    return null
  } catch (error) {
    if (error instanceof Flaw) return error.message
    throw error
  }
}

function sample(): SmallLedger {
  const ledger = new SmallLedger()
  const from = escrowOf(mayDay, 'key_ant/ant', 'llama-3.1-8b-instant')
  ledger.seal([receiptOf(1), receiptOf(2, { flags: flagBits.own }), receiptOf(3, { model: 'mine' })])
  ledger.seal([{ type: 'transfer', why: 'vest', from, to: earnedOf('2026-05', 'key_ant'), points: 900 }], mayMs + 9)
  return ledger
}

describe('a true file', () => {
  test('proves its receipts, and with all leaves from the first batch on the balances too', () => {
    const ledger = sample()
    const found = checked(ledger.file(), ledger.identity.key)
    expect(found).toMatchObject({ batches: 2, receipts: 3, events: 1, first: 1, last: 2 })
    expect(found.points).toBe(920 + 49)
    expect(found.books?.sums()).toMatchObject({ minted: 969, escrow: 69, earned: 900, held: 0, burnt: 0 })
    expect(found.books?.season('2026-05')).toEqual([['key_ant', 900]])
  })

  test('with some leaves and their paths proves those', () => {
    const ledger = sample()
    const found = checked(
      ledger.file(({ seq }) => (seq === 1 ? [0, 2] : [])),
      ledger.identity.key,
    )
    expect(found).toMatchObject({ batches: 2, receipts: 2, books: null })
  })

  test('may begin later than with the first batch', () => {
    const ledger = sample()
    ledger.batches.shift()
    expect(checked(ledger.file(), ledger.identity.key)).toMatchObject({ first: 2, last: 2, books: null })
  })
})

test('receipts of version 1 and 2 stand in one file, and both are folded', () => {
  const ledger = new SmallLedger()
  const { rules, identity, projector, batches } = ledger
  const sign = (bytes: Uint8Array) => identity.sign(bytes)
  const leaves = [receiptOfVersionOne, packReceipt(receiptOf(2, { asker: 'north', home: 'south' }))]
  batches.push(sealLeaves(projector.end, leaves, { atMs: mayMs, rulesHash: rules.hash, sign }))
  projector.fold(batches[0]!)
  expect(checked(ledger.file(), identity.key)).toMatchObject({ receipts: 2, points: 2 * 920 })
  expect(projector.waitingOf('key_ant')).toBe(2 * 920)
})

describe('a forged file is found out', () => {
  test.each([
    ['with all leaves', undefined],
    ['with some leaves', ({ seq }: { seq: number }) => (seq === 1 ? [1] : [0])],
  ])('whichever of its bytes was changed, %s', (_what, places) => {
    const ledger = sample()
    const file = Buffer.from(ledger.file(places))
    for (let at = 0; at < file.length; at++) {
      for (const change of [0x01, 0x20]) {
        file[at]! ^= change
        expect([at, flawOf(file.toString('latin1'), ledger.identity.key)]).not.toEqual([at, null])
        file[at]! ^= change
      }
    }
  })

  test('whichever line is missing, doubled, or stands in another place', () => {
    const ledger = sample()
    ledger.seal([receiptOf(9)])
    const lines = ledger.file().trimEnd().split('\n')
    const { key } = ledger.identity
    const flaw = (changed: string[]) => flawOf(changed.map((line) => `${line}\n`).join(''), key)
    expect(flaw(lines)).toBeNull()
    // Without the last one it is a shorter history that was true once; without batch 1 a later part of it.
    for (const at of [0, 1, 3]) expect([at, flaw(lines.toSpliced(at, 1))]).not.toEqual([at, null])
    for (const at of [0, 2, 3]) expect([at, flaw(lines.toSpliced(at, 0, lines[at]!))]).not.toEqual([at, null])
    for (const at of [2, 3]) expect(flaw(lines.toSpliced(at, 2, lines[at + 1]!, lines[at]!))).not.toBeNull()
    expect(flaw([])).toBe('The file is empty.')
  })

  const sealed = (changes: object, after = { seq: 0, hash: new Uint8Array(32) }) => {
    const { rules, identity } = new SmallLedger()
    const sign = (bytes: Uint8Array) => identity.sign(bytes)
    const leaves = [packReceipt(receiptOf(1, changes))]
    const batch = sealLeaves(after, leaves, { atMs: mayMs, rulesHash: rules.hash, sign })
    return { file: [firstLine(identity.key), rulesLine(rules.text), wholeBatchLine(batch)].join(''), key: identity.key }
  }

  test('also when the hub itself has signed points that its rules do not give', () => {
    for (const changes of [{ points: 921 }, { points: 0 }, { flags: flagBits.loop, points: 920 }, { flags: 1_024 }]) {
      const { file, key } = sealed(changes)
      expect(flawOf(file, key)).toMatch(/has \d+ points, and its work is worth|does not know/)
    }
  })

  test('when another hub has signed it, or a batch follows on one that is not there', () => {
    const other = identityOf(new Uint8Array(32).fill(8)).key
    const ledger = sample()
    expect(flawOf(ledger.file(), other)).toContain('the file is of the hub')
    expect(flawOf(ledger.file().replace(ledger.identity.key, other), other)).toContain("is not the hub's")
    const { file, key } = sealed({}, { seq: 0, hash: new Uint8Array(32).fill(1) })
    expect(flawOf(file, key)).toContain('the first batch follows on another one')
    expect(() => new LedgerCheck('ed25519:x')).toThrow('is no public key')
  })

  test('when the hub has told two stories: both are true, and their last heads differ', () => {
    const [one, other] = [sample(), sample()]
    one.seal([receiptOf(9)])
    other.seal([receiptOf(10)])
    const [first, second] = [one, other].map((ledger) => checked(ledger.file(), ledger.identity.key))
    expect(first!.last).toBe(second!.last)
    expect(first!.lastHash).not.toBe(second!.lastHash)
  })

  test('when one task has two receipts, or an event takes what is not there', () => {
    const twice = new SmallLedger()
    twice.seal([receiptOf(1), receiptOf(1)])
    expect(flawOf(twice.file(), twice.identity.key)).toContain('task 1 has two receipts')
    const later = new SmallLedger()
    // In other blocks of numbers, and the same again.
    for (const task of [1, 1_025, 2 ** 52, 1_025]) later.seal([receiptOf(task)])
    expect(flawOf(later.file(), later.identity.key)).toBe('Line 6: task 1025 has two receipts.')
    const ledger = sample()
    const { rules, identity, projector, batches } = ledger
    const event = { type: 'transfer', why: 'revoke', from: earnedOf('2026-05', 'key_ant'), to: 'burn', points: 901 }
    const leaves = [Buffer.from(JSON.stringify(event))]
    const sign = (bytes: Uint8Array) => identity.sign(bytes)
    batches.push(sealLeaves(projector.end, leaves, { atMs: mayMs, rulesHash: rules.hash, sign }))
    expect(flawOf(ledger.file(), identity.key)).toContain('falls below zero')
  })

  test('when a head was signed that names another number of leaves', () => {
    const { rules, identity } = new SmallLedger()
    const sign = (bytes: Uint8Array) => identity.sign(bytes)
    const end = { seq: 0, hash: new Uint8Array(32) }
    const batch = sealLeaves(end, [packReceipt(receiptOf(1))], { atMs: mayMs, rulesHash: rules.hash, sign })
    const head = packHead({ ...readHead(batch.head)!, count: 2 })
    const file =
      firstLine(identity.key) + rulesLine(rules.text) + wholeBatchLine({ ...batch, head, signature: sign(head) })
    expect(flawOf(file, identity.key)).toContain('has 2 leaves, not 1')
  })
})

describe('a countersignature', () => {
  const key = new AnswerKey(new Uint8Array(32).fill(9))
  const scout = 'key_ant/ant'
  const pin = (by: AnswerKey | null) => ({ type: 'pin', scout, key: by && keyText(by.publicKey) }) as const
  const nonce = new Uint8Array(16).fill(6)
  /** A receipt that its scout has signed. */
  const signed = (task: number, by = key, changes: Partial<Receipt> = {}): Receipt => {
    const receipt = receiptOf(task, changes)
    const { attempt, answerHash } = receipt
    const signature = by.sign(signedBytes({ task, attempt, nonce, answerHash }))
    return { ...receipt, countersignature: Buffer.concat([nonce, signature]) }
  }
  const fileOf = (...batches: Parameters<SmallLedger['seal']>[0][]): [string, string] => {
    const ledger = new SmallLedger()
    for (const [at, leaves] of batches.entries()) ledger.seal(leaves, mayMs + at)
    return [ledger.file(), ledger.identity.key]
  }

  test('is checked against the key that the file has pinned before', () => {
    const [file, hub] = fileOf([pin(key)], [signed(1), receiptOf(2), signed(3)])
    expect(checked(file, hub).signers).toMatchObject({ checked: 2, unknown: 0, replaced: 0 })
  })

  test('is found out whichever of its bytes the hub itself has changed', () => {
    for (let at = 0; at < 80; at++) {
      const receipt = signed(1)
      receipt.countersignature![at]! ^= 1
      const [file, hub] = fileOf([pin(key)], [receipt])
      expect([at, flawOf(file, hub)]).toEqual([at, `Line 4: the countersignature of task 1 is not that of ${scout}.`])
    }
  })

  test('is found out where it is of another task, attempt or answer, or under another key', () => {
    const other = new AnswerKey(new Uint8Array(32).fill(8))
    const { countersignature } = signed(1)
    const forged = [
      receiptOf(2, { countersignature }),
      receiptOf(1, { countersignature, attempt: 2 }),
      receiptOf(1, { countersignature, answerHash: new Uint8Array(32) }),
      signed(1, other),
    ]
    for (const receipt of forged) {
      const [file, hub] = fileOf([pin(key)], [receipt])
      expect(flawOf(file, hub)).toContain('is not that of')
    }
  })

  test('needs a key, which changes only after it was taken back', () => {
    const other = new AnswerKey(new Uint8Array(32).fill(8))
    expect(flawOf(...fileOf([signed(1)]))).toContain(`is countersigned, and ${scout} has no key`)
    expect(flawOf(...fileOf([pin(key)], [pin(null)], [signed(1)]))).toContain('has no key')
    expect(flawOf(...fileOf([pin(key)], [pin(other)]))).toContain('changes without having been taken back')
    const [file, hub] = fileOf([pin(key)], [signed(1)], [pin(null)], [pin(other)], [signed(2, other)])
    expect(checked(file, hub).signers).toMatchObject({ checked: 2, replaced: 1 })
  })

  test('of a scout whose key is not in a part of the chain is told as one that was not checked', () => {
    const ledger = new SmallLedger()
    ledger.seal([pin(key)])
    ledger.seal([signed(1)])
    const found = checked(
      ledger.file(({ seq }) => (seq === 2 ? [0] : [])),
      ledger.identity.key,
    )
    expect(found.signers).toMatchObject({ checked: 0, unknown: 1 })
  })

  test('is told by the program', () => {
    const folder = temporaryFolder()
    const [file, hub] = fileOf([pin(key)], [signed(1)])
    writeFileSync(join(folder, 'signed.jsonl'), file)
    const { said } = builtVerifier()(folder, 'signed.jsonl', '--hub', hub)
    expect(said).toContain('1 receipts are countersigned by their scouts; 0 keys of scouts were replaced.')
  })
})

describe('the program, as it is handed out', () => {
  const verify = builtVerifier()
  const at =
    (folder: string) =>
    (...words: string[]) =>
      verify(folder, ...words)

  test('runs on Node, tells what a true file proves and what is wrong with another', () => {
    const folder = temporaryFolder()
    const run = at(folder)
    const ledger = sample()
    const { key } = ledger.identity
    writeFileSync(join(folder, 'true.jsonl'), ledger.file())
    writeFileSync(join(folder, 'cut.jsonl'), ledger.file().slice(0, -9))
    expect(run('true.jsonl', '--hub', key)).toMatchObject({
      status: 0,
      said: expect.stringContaining('2026-05 key_ant 900'),
    })
    expect(run('cut.jsonl', '--hub', key)).toMatchObject({ status: 1, said: expect.stringContaining('Not true.') })
    expect(run('none.jsonl', '--hub', key)).toMatchObject({ status: 2, said: expect.stringContaining('ENOENT') })
    expect(run('true.jsonl')).toMatchObject({ status: 2, said: expect.stringContaining('Usage') })
  })

  describe('checks a large file in threads', () => {
    /** Of more than four megabytes, which is several chunks. */
    const batches = 60
    const lines = ((): string[] => {
      const ledger = new SmallLedger()
      for (let batch = 0; batch < batches; batch++) {
        ledger.seal(Array.from({ length: 512 }, (_, at) => receiptOf(batch * 512 + at)))
      }
      return ledger.file().trimEnd().split('\n')
    })()
    const { key } = new SmallLedger().identity
    /** What is said with two threads and with one. */
    const both = (changed: readonly string[]) => {
      const folder = temporaryFolder()
      writeFileSync(join(folder, 'large.jsonl'), `${changed.join('\n')}\n`)
      return ['2', '1'].map((threads) => verify(folder, 'large.jsonl', '--hub', key, '--threads', threads))
    }
    const changedAt = (at: number, change: (line: string) => string[]) => lines.toSpliced(at, 1, ...change(lines[at]!))

    test('and tells of a true one what one thread tells', () => {
      const [threads, one] = both(lines)
      expect(threads).toEqual(one)
      expect(threads).toMatchObject({ status: 0, said: expect.stringContaining(`${batches * 512} receipts`) })
      expect(threads!.said).toContain('Nothing came from nowhere: minted')
    })

    test.each([
      [
        'a byte is changed',
        changedAt(35, (line) => [line.replace(/(leaves":\[".{40})./, '$1!')]),
        'Line 36: bytes are',
      ],
      ['a batch is missing', changedAt(30, () => []), 'Line 31: batch 30 comes after batch 28'],
      ['the rules come too late', [lines[0]!, lines[2]!, lines[1]!, ...lines.slice(3)], 'Line 2: the rules of batch 1'],
      ['something follows that is nothing', [...lines, '{}'], 'Line 63: something else stands where bytes belong'],
    ])('and finds what one thread finds when %s', (_what, changed, flaw) => {
      const [threads, one] = both(changed)
      expect(threads).toEqual(one)
      expect(threads).toMatchObject({ status: 1, said: expect.stringContaining(flaw) })
    })
  })

  test('checks a detached signature', () => {
    const folder = temporaryFolder()
    const run = at(folder)
    const { identity } = sample()
    const bytes = Buffer.from('season,operator,points\n')
    const signature = Buffer.from(identity.sign(bytes)).toString('base64url')
    writeFileSync(join(folder, 'may.csv'), bytes)
    writeFileSync(join(folder, 'may.csv.sig'), `${signature}\n`)
    const words = ['may.csv', '--hub', identity.key, '--signature', 'may.csv.sig']
    expect(run(...words)).toMatchObject({ status: 0 })
    writeFileSync(join(folder, 'may.csv'), 'season,operator,point$\n')
    expect(run(...words)).toMatchObject({ status: 1 })
    expect(isSigned(identity.key, bytes, `${signature}A`)).toBe(false)
  })
})
