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

export const exceptions: readonly Exception[] = []

/** Why a check of a suite cannot be decided here, where the suite's own words do not say it. */
export const whyNot: Readonly<Record<string, string>> = {}
