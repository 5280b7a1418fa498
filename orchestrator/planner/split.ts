/**
 * Cuts a long text into parts that are no longer than asked, at the best places it has: before headings, between
 * paragraphs, after lines, after sentences, between words, and only then anywhere. Nothing is lost and nothing is
 * added: the parts joined are the text. Pure and linear, because the text is a stranger's.
 */

/** From the best place to cut to the worst; each finds the positions after which a part may end. */
const places: readonly RegExp[] = [/\n(?=#{1,6} )/g, /\n\s*\n/g, /\n/g, /[.!?…。！？]["'”’)\]]?\s/g, /\s/g]

/** Parts of at most `charsMax` characters; none of them empty. */
export function splitText(text: string, charsMax: number): string[] {
  return text === '' ? [] : piecesOf(text, charsMax, 0)
}

function piecesOf(text: string, charsMax: number, level: number): string[] {
  if (text.length <= charsMax) return [text]
  const place = places[level]
  if (place === undefined) return hardCut(text, charsMax)
  const parts: string[] = []
  let open = ''
  const close = () => {
    if (open !== '') parts.push(open)
    open = ''
  }
  for (const piece of cutAt(text, place)) {
    if (open.length + piece.length <= charsMax) {
      open += piece
      continue
    }
    close()
    if (piece.length <= charsMax) open = piece
    else parts.push(...piecesOf(piece, charsMax, level + 1))
  }
  close()
  return parts
}

function cutAt(text: string, place: RegExp): string[] {
  const pieces: string[] = []
  let from = 0
  for (const { index, 0: mark } of text.matchAll(place)) {
    pieces.push(text.slice(from, index + mark.length))
    from = index + mark.length
  }
  pieces.push(text.slice(from))
  return pieces.filter((piece) => piece !== '')
}

function hardCut(text: string, charsMax: number): string[] {
  const parts: string[] = []
  for (let from = 0; from < text.length; ) {
    let to = Math.min(text.length, from + charsMax)
    // Half a character is none.
    if (to < text.length && to - from > 1 && isHighSurrogate(text.charCodeAt(to - 1))) to--
    parts.push(text.slice(from, to))
    from = to
  }
  return parts
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff
}

/** Head and tail of a text that is too long, with a mark between them that says how much is missing. */
export function cutText(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text
  const mark = `\n[… ${text.length - charsMax} characters left out …]\n`
  const kept = Math.max(0, charsMax - mark.length)
  const head = Math.ceil((kept * 2) / 3)
  const tail = kept - head
  return text.slice(0, head) + mark + (tail === 0 ? '' : text.slice(-tail))
}
