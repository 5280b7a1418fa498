/**
 * Signs that an answer may come from something else than it claims. They are no evidence, since speed and usage tell
 * engines and machines apart rather than models: all they do is that the scout's next tasks are audited more often.
 * Fed with every answer; pure.
 */

export interface Observed {
  tokensPerSecond: number
  /** What the model's fast scouts reach; 0 while unknown. */
  modelFastTokensPerSecond: number
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

/** AI-Horde's rule on speed caught "virtually only false positives" (its pull request 477): hence only a signal. */
const suspiciousSpeedFactor = 3
/** A token is about four bytes of text; from a quarter of that to four times of it is no signal. */
const bytesPerToken = 4
const usageFactor = 4
/** Shorter answers say nothing about the ratio. */
const usageBytesMin = 64

export function isSignal(answer: Observed): boolean {
  const { tokensPerSecond, modelFastTokensPerSecond: fast, reportedTokens, answerBytes, providerBefore } = answer
  if (fast > 0 && tokensPerSecond > suspiciousSpeedFactor * fast) return true
  if (providerBefore !== '' && answer.provider !== providerBefore) return true
  if (reportedTokens <= 0 || answerBytes < usageBytesMin) return false
  const ratio = answerBytes / (reportedTokens * bytesPerToken)
  return ratio < 1 / usageFactor || ratio > usageFactor
}
