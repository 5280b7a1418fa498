/**
 * What a countersigned task costs beside any other: the check of its signature at the hub, and at the scout the hashing
 * of what it streams and the signature. The scenario asks for it.
 */

import { AnswerSigning } from '../../scout/tasks/answer-signing.ts'
import { type SignedAnswer, signedBytes } from '../../shared/answers/answer-hash.ts'
import { AnswerCheck, AnswerKey } from '../../shared/answers/answer-keys.ts'

interface SignatureCosts {
  /** Processor time of one check at the hub. */
  checkUs: number
  /** The same at the scout, of one answer with its signature. */
  scoutUs: number
}

const answers = 5_000
/** So many lines of four characters have the answers of the other loads. */
const linesPerAnswer = 40

const line = JSON.stringify({ choices: [{ index: 0, delta: { content: 'word' }, finish_reason: null }] })
const body = Buffer.from('{"choices":[]}')

export function signatureCosts(): SignatureCosts {
  const key = new AnswerKey(new Uint8Array(32).fill(1))
  const check = new AnswerCheck(key.publicKey)
  const nonce = new Uint8Array(16)
  const of: SignedAnswer = { task: 1, attempt: 1, nonce, answerHash: new Uint8Array(32) }
  const signature = key.sign(signedBytes(of))
  const checkUs = microseconds(() => check.verifies(signedBytes(of), signature))
  const scoutUs = microseconds(() => {
    const signing = new AnswerSigning(key, nonce, true)
    for (let at = 0; at < linesPerAnswer; at++) signing.line(line)
    signing.end({ task: 1, attempt: 1, nonce }, body)
  })
  return { checkUs, scoutUs }
}

/** Of one call; the first half is for the runtime to compile. */
function microseconds(call: () => void): number {
  for (let at = 0; at < answers; at++) call()
  const { user, system } = process.cpuUsage()
  for (let at = 0; at < answers; at++) call()
  const spent = process.cpuUsage({ user, system })
  return (spent.user + spent.system) / answers
}
