/**
 * The ledgers of a network's hubs: how each tells the others of its own, and how much is kept of theirs.
 */

const KiB = 1024
const MiB = 1024 * KiB
const GiB = 1024 * MiB

/**
 * A hub tells of batches that it has sealed, and reads those of others, this often: with 1,000 tasks a second all that
 * was sealed meanwhile fits one message. Three servers take 2 ms for a message and 0.06 ms for each kilobyte of it.
 */
export const ledgerLookMs = 2_000

/** Batches of its own that a hub tells of in one look, some 65,000 receipts; the rest follows with the next one. */
export const toldPerLook = 128

/** Batches that are told of together: so many at most, and of so many bytes, which deflate to about a message. */
export const packBatchesMax = 16
export const packBytesMax = 384 * KiB
/** What deflates to less than this part of itself travels as it is: nobody makes others inflate more than that. */
export const packInflationMax = 8
/** Bits of the window that it is deflated with, all of a pack; one that needs a larger window is none. */
export const packWindowBitsMax = 19

/** Batches of its own that a hub folds in one look; each in a turn of its own. */
export const foldedPerLook = 512

/** Bytes of a batch in one message; a larger batch travels in parts, of which all count or none. */
export const ledgerPartBytesMax = 192 * KiB
/** Parts of one batch: of 512 leaves of the largest size. */
export const ledgerPartsMax = 180

/** Bytes of the stream, a week of 3.5 million tasks a day: when it is full, hubs go on telling once old ones went. */
export const ledgerStreamBytesMax = 4 * GiB
/** Older batches go. A hub that was away for longer counts the points of others from what is left on. */
export const ledgerAgeMs = 14 * 86_400_000

/** A hub tells of its rules again after this long, so that the stream has them for whoever comes later. */
export const rulesEveryMs = 86_400_000

/** Heads of each hub that are remembered, to find a second one of the same number; 32 bytes each. */
export const headsRemembered = 1_024

/** Operators of one hub, in all seasons, that are counted; a hub with more counts for nothing from there on. */
export const networkOperatorsMax = 200_000

/**
 * A task that one hub did for another counts when the receipts of both were sealed within this of each other, by the
 * clocks of the hubs: so that what is half there need not be kept for ever.
 */
export const bothSidesMs = 86_400_000

/** Receipts of tasks between two hubs whose other half has not come; beyond it the oldest of them never counts here. */
export const halvesMax = 20_000

/**
 * So many of the oldest are given up at once: to find the oldest entry of a map passes by all that were removed before
 * it, which took 0.1 ms for each receipt where one was given up for each that came.
 */
export const halvesGivenUpAtOnce = 1_000

/** What a hub has counted of the others is written down this often, and at its end. */
export const countedEveryMs = 300_000

/** Bytes of that file; a larger one is not read, and all that the stream still has is counted again. */
export const countedBytesMax = 256 * MiB

/** Characters of the names in a receipt or an event of another hub; more is no receipt. */
export const foreignNameCharsMax = 1_024
