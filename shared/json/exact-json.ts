/**
 * Reads JSON so that writing it again gives every number back with the digits it came with. A double cannot hold all of
 * 64 bits, and a request on its way to a provider must not be changed: a seed or an id would become another one. Scouts
 * read requests with it, the client edge the arguments of tools.
 */

/** What the types of `JSON` do not know yet: a reviver sees the text of a value, and can keep it as it is. */
const json = JSON as unknown as {
  parse(text: string, reviver: (key: string, value: unknown, context: { source: string }) => unknown): unknown
  rawJSON(text: string): object
}

/** `JSON.parse`, but a number that may lose digits becomes an object that `JSON.stringify` writes as it was. */
export function parseExactly(text: string): unknown {
  // A reviver costs a call per value; requests without long numbers, nearly all of them, are spared that.
  if (!mayHaveLongNumber(text)) return JSON.parse(text)
  return json.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) ? json.rawJSON(source) : value,
  )
}

const longNumber = /\d{16}/
/** Below this the whole text is searched. */
const longTextChars = 65_536
/** Pieces between quotes that are looked at one by one; what follows is searched as a whole. */
const piecesMax = 10_000
/** What may follow a string in JSON. */
const afterString = ',:]} \t\r\n'

/**
 * Whether a number outside of strings may have 16 digits. In a scout without the just-in-time compiler that search
 * takes many times as long as all else that is done with an image of 20 MB, so of a long text only pieces are searched
 * that can be outside of a string. True for some texts without such a number, never false for one with it.
 */
function mayHaveLongNumber(text: string): boolean {
  if (text.length < longTextChars) return longNumber.test(text)
  let from = 0
  for (let pieces = 0; pieces < piecesMax; pieces++) {
    const quote = text.indexOf('"', from)
    if (quote < 0) break
    const isOutside = from === 0 || afterString.includes(text.charAt(from))
    if (isOutside && longNumber.test(text.slice(from, quote))) return true
    from = quote + 1
  }
  return longNumber.test(text.slice(from))
}
