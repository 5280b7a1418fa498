/**
 * The text that a wallet signs, after EIP-4361, written whole by the hub: the page shows it, the wallet signs it, and
 * what comes back must be the same to the byte. Pure. Its statement says what is signed for, its resources bind it to
 * exactly that.
 */

/** What a text is made of. None of it may hold a line break. */
export interface SignInFacts {
  /** Host and port, as the browser names them. */
  domain: string
  /** With its checksum. */
  address: string
  statement: string
  /** Scheme, host and port of the page. */
  origin: string
  chainId: number
  /** 32 hex digits. */
  nonce: string
  /** Milliseconds since 1970. */
  issuedMs: number
  expiresMs: number
  resources: readonly string[]
}

export function signInText(facts: SignInFacts): string {
  const { domain, address, statement, origin, chainId, nonce, issuedMs, expiresMs, resources } = facts
  const lines = [
    `${domain} wants you to sign in with your Ethereum account:`,
    address,
    '',
    statement,
    '',
    `URI: ${origin}`,
    'Version: 1',
    `Chain ID: ${chainId}`,
    `Nonce: ${nonce}`,
    `Issued At: ${new Date(issuedMs).toISOString()}`,
    `Expiration Time: ${new Date(expiresMs).toISOString()}`,
  ]
  if (resources.length > 0) lines.push('Resources:', ...resources.map((resource) => `- ${resource}`))
  return lines.join('\n')
}

const nonceForm = /\nNonce: ([0-9a-f]{32})(?:\n|$)/

/** The nonce in a text that should be one of ours; null without one. */
export function nonceIn(text: string): string | null {
  return nonceForm.exec(text)?.[1] ?? null
}

const headFields = ['domain', 'address', 'statement', 'statement', 'statement']

/** The field in which two texts differ first; null when they are the same. */
export function differingField(wanted: string, signed: string): string | null {
  if (wanted === signed) return null
  const [ours, theirs] = [wanted.split('\n'), signed.split('\n')]
  const at = ours.findIndex((line, place) => line !== theirs[place])
  if (at < 0) return 'its end'
  return headFields[at] ?? /^[A-Z][A-Za-z ]*(?=:)/.exec(ours[at]!)?.[0] ?? 'Resources'
}
