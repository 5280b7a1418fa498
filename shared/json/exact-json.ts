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
  if (!/\d{16}/.test(text)) return JSON.parse(text)
  return json.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) ? json.rawJSON(source) : value,
  )
}
