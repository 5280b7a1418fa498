/**
 * Signs that an answer may come from something else than it claims. They are no evidence: all they do is that the
 * scout's next tasks are audited more often. Speed is not among them: AI-Horde's rule on it caught "virtually only
 * false positives" (its pull request 477), and who serves something small can always be slow. Fed with every answer;
 * pure.
 */

export interface Observed {
  /** Tokens that the provider reported; 0 without a report. */
  reportedTokens: number
  answerBytes: number
  provider: string
  /** The provider that served the answer before; empty for none. */
  providerBefore: string
}

/** Tasks after a signal that are audited more often, and how many times as often. */
export const signalTasks = 20
export const signalFactor = 4

/** A streamed token comes in some 200 bytes of JSON, a token of a whole answer in about four. */
const bytesPerTokenMin = 1
const bytesPerTokenMax = 4_096
/** Shorter answers say nothing about the ratio. */
const usageBytesMin = 64

export function isSignal({ reportedTokens, answerBytes, provider, providerBefore }: Observed): boolean {
  if (providerBefore !== '' && provider !== providerBefore) return true
  if (reportedTokens <= 0 || answerBytes < usageBytesMin) return false
  const ratio = answerBytes / reportedTokens
  return ratio < bytesPerTokenMin || ratio > bytesPerTokenMax
}
