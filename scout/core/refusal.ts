/**
 * The operator's sentence when the orchestrator refuses this scout: one for each HTTP status and close code, with what
 * to do. The session decides with these whether to dial again; nothing else reads them.
 */
import { plainMessage } from '../../shared/faults.ts'
import { closeRow, closeTable, mayReconnect } from '../../shared/protocol/close-codes.ts'
import { subprotocol } from '../../shared/protocol/frames.ts'
import { networkFailure } from './network-failures.ts'

const versions = `the two sides speak different protocol versions (this scout: ${subprotocol})`
const otherVersion = `${versions}; update the older one`

/** The sentence that ends the scout after an upgrade got `status`, or null when dialing again may help. */
export function finalStatus(status: number): string | null {
  switch (status) {
    case 401:
      return 'The orchestrator does not know the key in SCOUT_KEY; ask its operator for a scout key and set SCOUT_KEY.'
    case 403:
      return "The key in SCOUT_KEY is not allowed to run a scout; ask the orchestrator's operator for a scout key."
    case 400:
    case 426:
      return `The orchestrator refused the upgrade (HTTP ${status}): ${otherVersion}.`
    default:
      return null
  }
}

/** The sentence that ends the scout after a close with `code`, or null when dialing again may help. */
export function finalClose(code: number, reason: string): string | null {
  if (mayReconnect(code)) return null
  switch (code) {
    case closeTable.keyRevoked.code:
      return "The key in SCOUT_KEY was revoked; ask the orchestrator's operator for a new one and set SCOUT_KEY."
    case closeTable.versionUnsupported.code:
      return `The orchestrator closed the session: ${otherVersion}.`
    case closeTable.banned.code:
      return `The orchestrator refuses this scout${because(reason)}; ask its operator why.`
    default:
      return `The orchestrator sent this scout away for good (${code}${because(reason)}); ask its operator why.`
  }
}

/** Why a session was lost, for the log. */
export function lossReason(code: number, words: string): string {
  const reason = plainMessage(words)
  const row = closeRow(code)
  if (row !== undefined) return reason === '' ? row.meaning : `${row.meaning}: ${reason}`
  if (reason === '') return `the connection ended (${code})`
  const phrase = networkFailure(reason)
  return phrase === undefined ? `the connection failed (${reason})` : `${phrase} (${reason})`
}

/** A scout follows no redirect: its key goes only to the configured address. */
const finalAddress = 'write the final address, perhaps with https://, into ORCHESTRATOR_URL'

/** Why a dial was refused, when dialing again may help. */
export function refusedReason(status: number): string {
  if (status === 404) return 'there is no orchestrator at this address (HTTP 404); check ORCHESTRATOR_URL'
  if (status >= 300 && status < 400) {
    return `this address sends elsewhere (HTTP ${status}); ${finalAddress}`
  }
  if (status >= 200 && status < 300) {
    return `a web server answers here, but no orchestrator (HTTP ${status}); check ORCHESTRATOR_URL`
  }
  if (status === 429) return 'the orchestrator sees too many dials from here (HTTP 429)'
  return `the orchestrator answered HTTP ${status}`
}

function because(reason: string): string {
  return reason === '' ? '' : `: ${plainMessage(reason)}`
}
