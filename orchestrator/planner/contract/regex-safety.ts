/**
 * Judges a client's regular expression before it is run. The platform's engine backtracks, so the ways in
 * which an expression can be tried on a short text are counted: every open repeat multiplies them by the length of the
 * text, every optional piece and every alternative doubles them. What can be tried in too many ways is refused, and so
 * is what cannot be counted: repeated groups, references back, looking around.
 */
import { patternTextCharsMax, patternWaysMax } from '../../../shared/limits/planner.ts'

/** What is wrong with the expression, as the rest of a sentence; null when it may be run. */
export function regexFlaw(pattern: string): string | null {
  try {
    new RegExp(pattern, 'u')
  } catch {
    return 'is not a regular expression'
  }
  // One that may begin anywhere is tried at each place.
  let ways = pattern.startsWith('^') && !pattern.includes('|') ? 1 : patternTextCharsMax
  let rest = pattern
  for (let before = ''; rest !== ''; ) {
    const [token] = tokenForm.exec(rest)!
    rest = rest.slice(token.length)
    if (/^\\[1-9k]/.test(token)) return 'refers back to what it found: write it out'
    if (/^\(\?(=|!|<=|<!)/.test(token)) return 'looks around: say what the text has to be'
    const choices = token === '|' ? 2 : choicesOf(token)
    if (choices !== null && before === ')') {
      return 'repeats a group, which can take endless time: repeat single characters instead'
    }
    ways *= choices ?? 1
    if (ways > patternWaysMax) return 'can match in too many ways: begin it with ^, and bound repeats as in {1,20}'
    // An alternative is nothing that could be repeated, and neither is a repeat.
    before = token
  }
  return null
}

/** One thing at the beginning of an expression that is known to be whole. */
const tokenForm =
  /^(\\k<[^>]*>|\\[\s\S]|\[(?:\\[\s\S]|[^\]\\])*\]|\(\?(?:[:=!]|<[=!]?)|[*+?]\??|\{\d+(?:,\d*)?\}\??|[\s\S])/

/** How many lengths a repeat can take; null when the token is none. */
function choicesOf(token: string): number | null {
  if (token.startsWith('?')) return 2
  if (token.startsWith('*') || token.startsWith('+')) return patternTextCharsMax
  const bounds = /^\{(\d+)(?:(,)(\d*))?\}/.exec(token)
  if (bounds === null) return null
  const [, least, comma, most] = bounds
  if (comma === undefined) return 1
  return most === '' ? patternTextCharsMax : Number(most) - Number(least) + 1
}
