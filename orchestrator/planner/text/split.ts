/**
 * Cuts a long text into parts that are no longer than asked, at the best places it has: before headings, between
 * paragraphs, after lines, after sentences, between words, and only then anywhere. Nothing is lost and nothing is
 * added: the parts joined are the text. Pure, and linear for any text, because texts are untrusted.
 */
import { decisionStepBytes } from '../../../shared/limits/intents.ts'
import { atOnce, type Steps } from '../../../shared/turn-lane.ts'

const heading = /^#{1,6} /
const isSpace = (char: string | undefined) => char === ' ' || char === '\n' || char === '\t' || char === '\r'
const isStop = (char: string | undefined) => char !== undefined && '.!?…。！？'.includes(char)
const isClosing = (char: string | undefined) => char !== undefined && '"\'”’)]'.includes(char)

/** How good it is to end a part right after this white space: 0 is best. */
function rankOf(text: string, at: number): number {
  if (text[at - 1] === '\n') {
    if (text[at] === '#' && heading.test(text.slice(at, at + 7))) return 0
    return text[at - 2] === '\n' ? 1 : 2
  }
  const ends = isStop(text[at - 2]) || (isClosing(text[at - 2]) && isStop(text[at - 3]))
  return ends ? 3 : 4
}

/** A part is not cut shorter than this share of what it may have: one good place is not worth ten times the parts. */
const leastShare = 0.25

/** Parts of at most `charsMax` characters; none of them empty. */
export function splitText(text: string, charsMax: number): string[] {
  return atOnce(splitInSteps(text, charsMax))
}

/** The same in steps, each of which looks at as many characters as one of a decision may, but for its last part. */
export function* splitInSteps(text: string, charsMax: number): Steps<string[]> {
  const parts: string[] = []
  let pauseAt = decisionStepBytes
  for (let from = 0; from < text.length; ) {
    const to = endOfPart(text, from, charsMax)
    parts.push(text.slice(from, to))
    from = to
    if (from < pauseAt) continue
    pauseAt = from + decisionStepBytes
    yield
  }
  return parts
}

function endOfPart(text: string, from: number, charsMax: number): number {
  const most = from + charsMax
  if (most >= text.length) return text.length
  const least = from + Math.max(1, Math.floor(charsMax * leastShare))
  let best: number | null = null
  let rankLeast = Number.POSITIVE_INFINITY
  // Once over the text, from the end: the last of the best places counts.
  for (let at = most; at >= least && rankLeast > 0; at--) {
    if (!isSpace(text[at - 1])) continue
    const rank = rankOf(text, at)
    if (rank >= rankLeast) continue
    rankLeast = rank
    best = at
  }
  if (best !== null) return best
  // Half a character is none.
  return most - from > 1 && isHighSurrogate(text.charCodeAt(most - 1)) ? most - 1 : most
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff
}

/** Characters of what `cutText` makes, or a few more. */
export function cutTextChars({ length }: string, charsMax: number): number {
  return length <= charsMax ? length : Math.max(charsMax, markCharsMax)
}

/** The mark with the longest number. */
const markCharsMax = 60

/** Head and tail of a text that is too long, with a mark between them that shows how much is missing. */
export function cutText(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text
  const mark = `\n[… ${text.length - charsMax} characters left out …]\n`
  const kept = Math.max(0, charsMax - mark.length)
  const head = Math.ceil((kept * 2) / 3)
  const tail = kept - head
  return text.slice(0, head) + mark + (tail === 0 ? '' : text.slice(-tail))
}
