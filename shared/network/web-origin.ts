/**
 * Web origins (scheme, host and port) in the form in which browsers send them. The orchestrator's configuration reads
 * the operator's list here; its client edge compares the Origin header of requests with what comes out.
 */

/** Stands for every origin. */
export const anyOrigin = '*'

const form = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@\\,*"']+\/?$/i

/** The list as browsers would write it, or what is wrong with it: the end of a sentence that begins with its name. */
export function readOrigins(texts: readonly string[]): string[] | { flaw: string } {
  if (texts.includes(anyOrigin)) {
    if (texts.length === 1) return [anyOrigin]
    return { flaw: 'names * beside other origins: leave * alone to allow every origin, or name each one' }
  }
  const origins: string[] = []
  for (const text of texts) {
    const origin = originOf(text)
    if (origin === null) {
      const wanted = '* or origins with commas between, as https://app.example.com or http://localhost:5173'
      return { flaw: `must be ${wanted}, but ${JSON.stringify(text)} is no origin` }
    }
    if (!origins.includes(origin)) origins.push(origin)
  }
  return origins
}

/** A slash behind the host comes along when an address is copied; a path means that something else was copied. */
function originOf(text: string): string | null {
  if (!form.test(text)) return null
  const url = URL.parse(text)
  if (url === null) return null
  if (url.protocol === 'http:' || url.protocol === 'https:') return url.origin
  // Pages of extensions and of applications, whose schemes have no origin in the URL standard.
  return text.replace(/\/$/, '').toLowerCase()
}
