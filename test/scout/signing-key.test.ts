import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { signingKey } from '../../scout/process/signing-key.ts'
import { AnswerCheck, AnswerKey } from '../../shared/answers/answer-keys.ts'
import { realSystem } from '../../shared/system.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'

const system = realSystem()

test('a key is made once, for its user alone, and is the same at the next start', () => {
  const path = join(temporaryFolder(), 'signing.key')
  const [made, again] = [signingKey(path, system), signingKey(path, system)]
  if (!(made instanceof AnswerKey) || !(again instanceof AnswerKey)) throw new Error('there is no key')
  expect(again.publicKey).toEqual(made.publicKey)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  const bytes = Buffer.from('text')
  const check = new AnswerCheck(made.publicKey)
  expect([check.verifies(bytes, again.sign(bytes)), check.verifies(Buffer.from('texd'), again.sign(bytes))]).toEqual([
    true,
    false,
  ])
})

test('a file that holds something else is a mistake, and stays as it is', () => {
  const path = join(temporaryFolder(), 'signing.key')
  for (const text of ['', 'nonsense', 'A'.repeat(44)]) {
    writeFileSync(path, text)
    expect(signingKey(path, system)).toContain('holds no key of a scout')
    expect(readFileSync(path, 'utf8')).toBe(text)
  }
})

test('a place where no file can be is told in a sentence', () => {
  const folder = temporaryFolder()
  expect(signingKey(join(folder, 'none', 'signing.key'), system)).toContain('cannot be written (ENOENT)')
  expect(signingKey(folder, system)).toContain('cannot be read (EISDIR)')
  expect(existsSync(join(folder, 'none'))).toBe(false)
})
