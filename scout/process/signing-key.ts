/**
 * The key with which this scout signs what it answers: a file of 32 secret bytes as text, made at the first start that
 * asks for it. The hub keeps the first key of a scout, so a file that cannot be read is a mistake and never replaced.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { AnswerKey, seedBytes } from '../../shared/answers/answer-keys.ts'
import type { System } from '../../shared/system.ts'

/** The key in this file, or why there is none, as a sentence for the operator. */
export function signingKey(path: string, system: Pick<System, 'randomBytes'>): AnswerKey | string {
  try {
    return keyIn(readFileSync(path, 'utf8').trim()) ?? `${path} holds no key of a scout: put back what was there.`
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') return `${path} cannot be read (${codeOf(error)}): set SCOUT_SIGNING_KEY to a file.`
  }
  const seed = system.randomBytes(seedBytes)
  try {
    writeFileSync(path, `${Buffer.from(seed).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' })
    return new AnswerKey(seed)
  } catch (error) {
    return `${path} cannot be written (${codeOf(error)}): set SCOUT_SIGNING_KEY to a file in a folder that you keep.`
  }
}

function keyIn(text: string): AnswerKey | null {
  const seed = Buffer.from(text, 'base64url')
  return seed.length === seedBytes && seed.toString('base64url') === text ? new AnswerKey(seed) : null
}

function codeOf(error: unknown): string {
  return (error as { code?: string }).code ?? 'unknown'
}
