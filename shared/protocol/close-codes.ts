/**
 * Why a socket was closed, as a table. The range is the rule: after 4000-4499 a scout dials again, after 4500-4999 it
 * stops and tells its operator why.
 */

interface CloseRow {
  code: number
  /** Who closes. */
  by: 'hub' | 'scout' | 'either'
  /** What happened, as the scout's log shows it. */
  meaning: string
}

export const closeTable = {
  badFrame: { code: 4400, by: 'either', meaning: 'a frame broke the protocol' },
  silent: { code: 4408, by: 'either', meaning: 'nothing was heard for too long' },
  superseded: { code: 4409, by: 'hub', meaning: 'a newer session of this same scout took over' },
  hubDraining: { code: 4412, by: 'hub', meaning: 'the orchestrator is restarting' },
  tooSlow: { code: 4413, by: 'hub', meaning: 'this side read too slowly' },
  leaving: { code: 4420, by: 'scout', meaning: 'the scout has drained and leaves' },
  rate: { code: 4429, by: 'hub', meaning: 'too many frames or bytes per second' },
  keyRevoked: { code: 4501, by: 'hub', meaning: 'the scout key was revoked or replaced, or has expired' },
  versionUnsupported: { code: 4503, by: 'either', meaning: 'the two sides speak different protocol versions' },
  banned: { code: 4504, by: 'hub', meaning: 'the orchestrator refuses this scout' },
} as const satisfies Record<string, CloseRow>

export type CloseName = keyof typeof closeTable

/** Whether a scout may dial again after this code; anything outside our range (1006, 1001 …) is a lost network. */
export function mayReconnect(code: number): boolean {
  return code < 4500 || code > 4999
}

/** The row of a code in our range, if it is one of ours. */
export function closeRow(code: number): CloseRow | undefined {
  return Object.values(closeTable).find((row) => row.code === code)
}
