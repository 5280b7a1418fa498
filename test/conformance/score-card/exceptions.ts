/**
 * What a suite checks and this hub does not pass, each with its reason. The command fails on whatever fails and is not
 * here, and on what is here and passes.
 */

interface Exception {
  /** As the suite names it; `openai` and `open-responses` are the schemas. */
  suite: string
  id: string
  why: string
}

const citations =
  "`citations` is null in a block of text, as the types of Anthropic's own SDK have it; the suite allows a list or nothing."

export const exceptions: readonly Exception[] = [
  { suite: 'llmprobe', id: 'messages-basic', why: citations },
  { suite: 'llmprobe', id: 'messages-streaming', why: citations },
  { suite: 'llmprobe', id: 'messages-reasoning-roundtrip', why: citations },
]

/** Why a check of a suite cannot be decided here, where the suite's own words do not say it. */
const noEffort =
  'the stand-in thinks where an effort is asked for, and the suite names a budget, which no effort is made of.'
const noPrefill = 'the stand-in begins its answer anew.'

export const whyNot: Readonly<Record<string, string>> = {
  'chat-assistant-prefill': noPrefill,
  'messages-assistant-prefill': noPrefill,
  'messages-reasoning-cap': noEffort,
  'messages-thinking-budget': noEffort,
  'messages-stop-sequence-echo': 'the stand-in does not say the word that would stop it.',
  'messages-system-blocks': 'the stand-in follows no system prompt.',
}

/** Where published descriptions cannot be kept to the letter; `corpus/corpus.ts` leaves these out. */
export const differences: readonly string[] = [
  'Open Responses describes `text.format` of a response without the schema, OpenAI with it: answers have it.',
  'OpenAI describes one form for completions of text, whole and streamed: chunks before the last have no `finish_reason`.',
]
