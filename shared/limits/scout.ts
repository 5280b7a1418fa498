/**
 * The scout: how fast it sends, how long it keeps what is not acknowledged, what it tells its operator.
 */

const KiB = 1024
const MiB = 1024 * KiB

/** From asking the provider until the scout says so, unless it has an answer sooner: most have. */
export const startedAfterMs = 2_000

/** How long and how much a scout keeps of results that the hub has not acknowledged; the oldest goes first. */
export const unackedResultMs = 600_000
export const unackedBytesMax = 64 * MiB

/** TCP, TLS and upgrade of one dial; beyond it the dial has failed and the next one waits its turn. */
export const handshakeTimeoutMs = 10_000

/** After a close was sent the peer has this long to answer it; then the socket is cut. */
export const closeGraceMs = 1_000

/** Of the hub's rates a scout uses this share, so that frames bunched on their way still fit the hub's allowance. */
export const paceShare = 0.8

/** How often the sender looks again while the socket's backlog is full. */
export const backlogPollMs = 5

/** Bytes of one answer not yet sent; above it the provider is held back. */
export const unsentBytesMax = 64 * KiB

/** An aborted provider call has this long to end before the scout settles without it. */
export const abortGraceMs = 400

/** How often a scout asks its providers anew what they offer. */
export const offersRefreshMs = 300_000

/** A change in where the work goes is told to the operator no sooner than this after the last; one between is kept. */
export const standingSayAgainMs = 900_000

/** The same for failures and pauses, which want a look: soon, but no hub can fill a log with them. */
export const standingUrgentMs = 60_000

/** Before the drain time is over, what still runs is handed back this early, so that the hub hears of it. */
export const handBackMs = 3_000
