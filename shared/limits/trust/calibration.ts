/**
 * What measuring the rates of real models may cost: requests, their pace, how long one is waited for and what is read
 * of an answer. Who runs it pays for it.
 */

/** Prompts that are asked by default, and at most; half of them show how alike honest answers are. */
export const calibrationPrompts = 240
export const calibrationPromptsMax = 2_000

/** Questions of each level that each model is asked. */
export const calibrationQuestionsPerLevel = 30

/** Models that one calibration compares. */
export const calibratedModelsMax = 16

/** Tokens that an answer may have. */
export const calibrationTokensMax = 400

/** Requests that begin within a second, by default and at most. */
export const calibrationPacePerSecond = 1
export const calibrationPaceMax = 1_000

/** Requests that are under way at once, by default and at most. */
export const calibrationAtOnce = 4
export const calibrationAtOnceMax = 64

/** Milliseconds until a request is given up. */
export const calibrationTimeoutMs = 120_000

/** Times that one request is sent; then the run ends, and can be taken up later. */
export const calibrationTriesMax = 6

/** Milliseconds before a request is sent again, at least and at most, whatever the provider asks for. */
export const calibrationRetryMs = 1_000
export const calibrationRetryMsMax = 120_000

/** Bytes of a response, and of a file of answers. */
export const calibrationResponseBytesMax = 1_048_576
export const calibrationFileBytesMax = 536_870_912
