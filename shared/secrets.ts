/**
 * Takes out of a text from outside what looks like a secret: keys, tokens, URLs with credentials, and the secrets that
 * are known. Whatever a service, a handler or a scout says of a failure passes it before anyone else sees it: at the
 * scout, which knows its own secrets, and once more at the hub, because not every scout is of this program.
 */

const removed = '[removed]'

/** Shorter texts are not looked for: a password of three letters would take words apart. */
const secretCharsMin = 6
/** The same of variables: what stands there may be a word like any other. */
const envSecretCharsMin = 8

const named =
  '\\b((?:api|access|secret|private|auth)[ _-]?(?:key|token)|x-api-key|password|passwd|secret|authorization)'
const between = '(["\']?\\s{0,4}(?:[:=]|provided:?|\\bis\\b)\\s{0,4}["\']?)'

const shapes: readonly [RegExp, string][] = [
  // Credentials in a URL, and parameters that are named for what they hold.
  [/([a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/@]{1,512}@/gi, `$1${removed}@`],
  [
    /([?&](?:[a-z_-]{0,32}(?:key|token|secret|signature|sig|password|auth)[a-z_-]{0,32})=)[^\s&"']{1,512}/gi,
    `$1${removed}`,
  ],
  [/\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,512}/gi, `$1 ${removed}`],
  // `api_key: …`, `"password":"…"`; a number of tokens is none.
  [new RegExp(`${named}${between}(?!\\[removed\\])[^\\s"',;]{6,512}`, 'gi'), `$1$2${removed}`],
  // The prefixes that issuers give their keys.
  [
    /\b(?:sk|pk|rk|gsk|hf|xai|pplx|nvapi|r8|key|ghp|gho|ghs|glpat|xox[a-z]|chasm_[a-z]+)[-_][A-Za-z0-9*_.-]{4,512}/g,
    removed,
  ],
  [/\b(?:AKIA|ASIA|AIza|ya29\.)[A-Za-z0-9_-]{8,512}/g, removed],
  [/\beyJ[A-Za-z0-9_-]{8,2048}(?:\.[A-Za-z0-9_-]{0,2048}){0,2}/g, removed],
  // Long runs of letters with digits; names and words are not.
  [/\b(?=[A-Za-z]{0,64}[0-9])(?=[0-9]{0,64}[A-Za-z])[A-Za-z0-9]{32,512}\b/g, removed],
]

/** Values of variables whose names say what they hold, but for numbers and short words. */
export function secretsIn(env: Readonly<Record<string, string | undefined>>): string[] {
  const secrets: string[] = []
  for (const [name, value = ''] of Object.entries(env)) {
    if (/key|token|secret|passw|credential|auth/i.test(name) && value.length >= envSecretCharsMin && /\D/.test(value))
      secrets.push(value)
  }
  return secrets
}

/** `text` without secrets; `known` are those that its reader must not learn in any form. */
export function withoutSecrets(text: string, known: readonly string[] = []): string {
  let plain = text
  for (const secret of known) if (secret.length >= secretCharsMin) plain = plain.replaceAll(secret, removed)
  for (const [shape, instead] of shapes) plain = plain.replace(shape, instead)
  return plain
}
