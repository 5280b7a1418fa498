/**
 * Cuts a long text into parts that are no longer than asked, at the best places it has: before headings, between
 * paragraphs, after lines, after sentences, between words, and only then anywhere. Nothing is lost and nothing is
 * added: the parts joined are the text. Pure, and linear for any text, because texts are untrusted.
 */

/** Whether a part may end right before `at`. */
type Place = (text: string, at: number) => boolean

const heading = /^#{1,6} /
const isSpace = (char: string | undefined) => char === ' ' || char === '\n' || char === '\t' || char === '\r'
const isStop = (char: string | undefined) => char !== undefined && '.!?…。！？'.includes(char)
const isClosing = (char: string | undefined) => char !== undefined && '"\'”’)]'.includes(char)

/** From the best place to cut to the worst. */
const places: readonly Place[] = [
  (text, at) => text[at - 1] === '\n' && text[at] === '#' && heading.test(text.slice(at, at + 7)),
  (text, at) => text[at - 1] === '\n' && text[at - 2] === '\n',
  (text, at) => text[at - 1] === '\n',
  (text, at) => isSpace(text[at - 1]) && (isStop(text[at - 2]) || (isClosing(text[at - 2]) && isStop(text[at - 3]))),
  (text, at) => isSpace(text[at - 1]),
]

/** A part is not cut shorter than this share of what it may have: one good place is not worth ten times the parts. */
const leastShare = 0.25

/** Parts of at most `charsMax` characters; none of them empty. */
export function splitText(text: string, charsMax: number): string[] {
  const parts: string[] = []
  for (let from = 0; from < text.length; ) {
    const to = endOfPart(text, from, charsMax)
    parts.push(text.slice(from, to))
    from = to
  }
  return parts
}

function endOfPart(text: string, from: number, charsMax: number): number {
  const most = from + charsMax
  if (most >= text.length) return text.length
  const least = from + Math.max(1, Math.floor(charsMax * leastShare))
  for (const place of places) {
    for (let at = most; at >= least; at--) if (place(text, at)) return at
  }
  // Half a character is none.
  return most - from > 1 && isHighSurrogate(text.charCodeAt(most - 1)) ? most - 1 : most
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff
}

/** Head and tail of a text that is too long, with a mark between them that shows how much is missing. */
export function cutText(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text
  const mark = `\n[… ${text.length - charsMax} characters left out …]\n`
  const kept = Math.max(0, charsMax - mark.length)
  const head = Math.ceil((kept * 2) / 3)
  const tail = kept - head
  return text.slice(0, head) + mark + (tail === 0 ? '' : text.slice(-tail))
}
