/**
 * Why tasks earned nothing, in words for the owner of their scout.
 */
import type { ZeroReason } from '../../ledger/points/zero-rules.ts'

const reasonTexts: Record<ZeroReason, string> = {
  own: 'your own requests cost nothing and earn nothing',
  directed: 'the request named the scouts which may serve it',
  unlisted: 'the model is not in the price list and nobody else offers it',
  loop: 'your client sent the request on while its scout held it',
  repeat: 'one client asked the same more than three times in a day',
  convicted: 'answers of this scout for the model differed from those of others',
  elsewhere: 'a scout of another hub served it, and earns at that hub',
}

/** Of one reason, as a sentence. */
export function reasonSentence(reason: ZeroReason): string {
  const text = reasonTexts[reason]
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

/** The same of so many tasks. */
export function tasksSentence(reason: ZeroReason, tasks: number): string {
  return `${tasks === 1 ? '1 task' : `${tasks} tasks`} earned nothing: ${reasonTexts[reason]}.`
}
