/**
 * Trust in a scout with a model in sentences: how its answers compared with others', what follows, and what ends it.
 * The page, lists and commands all use these words; the figures are the hub's. Nothing is said about single checks,
 * which nobody is to recognise.
 */

import { duration } from './standing.ts'

/** From the first hello to the end of a conviction; what leads from one to another is the hub's business. */
export const trustStates = ['new', 'trusted', 'watched', 'confirming', 'convicted'] as const
export type TrustState = (typeof trustStates)[number]

/** What a client is told of who served it; a convicted scout serves where nobody else offers the model. */
export const trustWordNames = ['trusted', 'new', 'watched', 'failing'] as const
export type TrustWord = (typeof trustWordNames)[number]

export const trustWords: Record<TrustState, TrustWord> = {
  new: 'new',
  trusted: 'trusted',
  watched: 'watched',
  confirming: 'watched',
  convicted: 'failing',
}

/** Of an appeal against a conviction. */
export const appealStates = ['possible', 'under_way', 'lost'] as const
export type AppealState = (typeof appealStates)[number]

export interface TrustFigures {
  model: string
  state: TrustState
  doubt: number
  /** Passes so far, and those that probation takes. */
  passed: number
  needed: number
  /** Checks of all time, and failed ones. */
  checks: number
  failed: number
  /** Milliseconds until a conviction ends. */
  endsInMs: number
  /** How an appeal against it stands; null without one. */
  appeal: AppealState | null
  /** Whether convictions have consequences at this hub. */
  isEnforced: boolean
  /** Whether it has few tasks at once for being new. */
  isLimited: boolean
  /** Good checks that end a watch, about. */
  passesToCalm: number
}

/** The most important first. */
export function trustSentences(trust: TrustFigures): string[] {
  const { model, state, passed, needed, checks, failed, endsInMs, isEnforced, isLimited, passesToCalm } = trust
  const tally = `${failed} of ${checks} checks failed`
  switch (state) {
    case 'new':
      if (passed >= needed) {
        const few = isLimited ? ', and gets two tasks at a time until then' : ''
        return [`All first checks of ${model} passed; it is trusted a day after its first hello${few}.`]
      }
      return [`${passed} of ${needed} first checks of ${model} passed; ${workOf(isLimited)} meanwhile.`]
    case 'trusted':
      return [`Answers for ${model} are like others' (${tally}).`]
    case 'watched':
      return [
        `Answers for ${model} differed from others' (${tally}), so it gets less work: ` +
          `about ${passesToCalm} good checks end that.`,
        lookAt,
      ]
    case 'confirming':
      return [
        `Answers for ${model} differ from others' (${tally}): the next checks decide whether that was chance.`,
        lookAt,
      ]
    case 'convicted': {
      const span = duration(Math.max(0, endsInMs))
      const follows = isEnforced
        ? `for ${span} it gets work only while nobody else offers the model, then it starts anew`
        : `for ${span} it gets less work, since this hub only watches`
      const sentences = [`Answers for ${model} are not like others' (${tally}): ${follows}.`, lookAt]
      return trust.appeal === null ? sentences : [...sentences, appealWords[trust.appeal]]
    }
  }
}

/** What a newcomer gets: `newcomerWindow` in a word, because the scout is told no figures. */
function workOf(isLimited: boolean): string {
  return isLimited ? 'it gets two tasks at a time' : 'it gets work'
}

/**
 * The same for the scout itself, without figures: they grow with each check, and whoever saw them grow would know which
 * task was one.
 */
export function trustNote(
  model: string,
  state: TrustState,
  { isEnforced, isLimited, appeal }: Pick<TrustFigures, 'isEnforced' | 'isLimited' | 'appeal'>,
): string {
  switch (state) {
    case 'new':
      return `Answers for ${model} are compared with others' at first; ${workOf(isLimited)} meanwhile.`
    case 'trusted':
      return `Answers for ${model} are like others'.`
    case 'watched':
      return `Answers for ${model} differed from others', so it gets less work until further checks are good. ${lookAt}`
    case 'confirming':
      return `Answers for ${model} differ from others': the next checks decide whether that was chance. ${lookAt}`
    case 'convicted': {
      const follows = isEnforced ? 'it gets work only while nobody else offers the model' : 'it gets less work'
      const note = `Answers for ${model} are not like others': for a while ${follows}. ${lookAt}`
      return appeal === null ? note : `${note} ${appealNotes[appeal]}`
    }
  }
}

const appealWords: Record<AppealState, string> = {
  possible: 'Its owner may appeal once, on the page or with POST /v1/trust/{id}/appeal: then fresh checks decide anew.',
  under_way: 'Its owner has appealed: fresh checks decide anew, and the conviction ends at once if they are good.',
  lost: 'Its owner has appealed, and fresh checks showed the same.',
}

const appealNotes: Record<AppealState, string> = {
  possible: 'Its owner may appeal once.',
  under_way: 'Its owner has appealed.',
  lost: 'Its owner has appealed in vain.',
}

const lookAt = 'Look at its quantization, its context length, and which model its provider really serves.'
