/**
 * What hubs tell each other of themselves, how often, and how a changed roster spreads.
 */

const KiB = 1024

/** Each hub tells of itself this often. */
export const presenceMs = 2_000

/** And at once when something changed, but never two times within this. */
export const presenceGapMs = 200

/** Summaries of one hub that are read in a second, twice what it may send; more are dropped, and later ones count. */
export const summariesPerSecondMax = 10

/** A hub that was silent for so long is gone: three messages may be lost. */
export const hubGoneMs = 7_000

/** How often is looked who is gone. */
export const hubLookMs = 500

/** Bytes of one summary: rows of models to the first bound, then names alone to the second, the rest as a number. */
export const summaryRowBytesMax = 48 * KiB
export const summaryBytesMax = 64 * KiB

/** Models named in one summary. */
export const summaryModelsMax = 4_096

/** A running hub looks at its roster file this often. */
export const rosterLookMs = 1_000

/** Rosters that are sent to hubs which lack them: at most one message in this time, of so many bytes. */
export const rosterSendGapMs = 500
export const rosterSendBytesMax = 192 * KiB

/** Messages with rosters that are read in a second: each one may cost 64 verifications of 0.1 ms. More are dropped. */
export const rosterReadsPerSecond = 5
