/**
 * The scout: how fast it sends, how long it keeps what is not acknowledged, how often it logs.
 */

const KiB = 1024
const MiB = 1024 * KiB

/** From asking the provider to the `started` frame; not sent when an answer comes sooner, as most do. */
export const startedAfterMs = 2_000

/** While a provider is waited for, `started` is repeated this often: the hub waits as long as the scout does. */
export const aliveEveryMs = 30_000

/** How long and how much a scout keeps of results that the hub has not acknowledged; the oldest goes first. */
export const unackedResultMs = 600_000
export const unackedBytesMax = 64 * MiB

/** TCP, TLS and upgrade of one dial; beyond it the dial has failed and the next one waits its turn. */
export const handshakeTimeoutMs = 10_000

/**
 * After so many bytes of messages the runtime is asked to collect: those of a large request would take as much memory
 * as the request. Not in a process larger than this, whose memory is somebody else's and takes longer to look through.
 */
export const collectEveryBytes = 512 * KiB
export const collectRssBytesMax = 128 * MiB

/** After a close was sent the peer has this long to answer it; then the socket is cut. */
export const closeGraceMs = 1_000

/** Share of the hub's rates that a scout uses; the rest is for frames that arrive bunched. Beyond it, frames wait. */
export const paceShare = 0.8

/** How often the sender looks again while the socket's backlog is full. */
export const backlogPollMs = 5

/** Bytes of one answer not yet sent; above it the provider is held back. */
export const unsentBytesMax = 64 * KiB

/** An aborted provider call has this long to end before the scout settles without it. */
export const abortGraceMs = 400

/** How often a scout asks its providers anew what they offer. */
export const offersRefreshMs = 300_000

/** Least time between two log lines about where the work goes; a change in between is logged after it. */
export const standingSayAgainMs = 900_000

/** The same for failures and pauses, which need attention sooner; a hub cannot fill a log with them. */
export const standingUrgentMs = 60_000

/** What still runs is handed back this long before the drain time is over, so that the hub can acknowledge it. */
export const handBackMs = 3_000
