/**
 * What providers add to a text, in the form of the Responses API: the probabilities of its tokens, and the sources that
 * it cites. It is a stranger's: what is not in its form is left out.
 */
type Json = Record<string, unknown>

export function logprobsIn(list: unknown): Json[] {
  if (!Array.isArray(list)) return []
  return list.filter(isToken).map((token) => {
    const { top_logprobs: top } = token
    return { ...tokenOf(token), top_logprobs: (Array.isArray(top) ? top : []).filter(isToken).map(tokenOf) }
  })
}

interface Token {
  token: string
  logprob: number
  bytes?: unknown
  top_logprobs?: unknown
}

function isToken(value: unknown): value is Token {
  const { token, logprob } = (value ?? {}) as Json
  return typeof token === 'string' && typeof logprob === 'number'
}

function tokenOf({ token, logprob, bytes }: Token): Json {
  return { token, logprob, bytes: Array.isArray(bytes) ? bytes : [...Buffer.from(token)] }
}

export function citationsIn(list: readonly unknown[]): Json[] {
  return list.flatMap((one) => {
    const { type, url_citation: cited } = (one ?? {}) as Json
    if (type !== 'url_citation' || typeof cited !== 'object' || cited === null) return []
    const { url, title, start_index: start, end_index: end } = cited as Json
    if (typeof url !== 'string' || !Number.isInteger(start) || !Number.isInteger(end)) return []
    return [{ type, url, title: typeof title === 'string' ? title : '', start_index: start, end_index: end }]
  })
}
