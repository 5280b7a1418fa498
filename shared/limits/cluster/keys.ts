/**
 * Keys and accounts that the hubs of a network tell each other of.
 */

const KiB = 1024
const MiB = 1024 * KiB

/** A hub looks for what it has changed, and for what it heard that others have, this often. */
export const keysLookMs = 500
/** What others have changed is looked for this often anyway: what is revoked ends elsewhere within both times. */
export const keysReadMs = 1_000

/** Bytes of one record: three lists of scopes of the longest names; more is not told, and passed over. */
export const sharedRecordBytesMax = 128 * KiB

/** Records that a hub appends at once; the rest follows with the next look. */
export const sharedAtOnce = 64

/** Bytes of the stream, some 300,000 records: when it is full, changes of keys hold at their own hub only. */
export const keyStreamBytesMax = 256 * MiB

/** A hub that has read to the end of the stream within this knows of every key; else it refuses none as unknown. */
export const keysFreshMs = 10_000

/** A hub that could not read for so long cannot know what was revoked, and takes keys of others no more. */
export const keysStaleMs = 3_600_000

/** A hub tells the others what it has used of budgets, and reads what they have, this often. */
export const useLookMs = 1_000
/** Keys and accounts that it tells of in one look; the rest follows with the next one. */
export const useAtOnce = 64
/** Bytes of the stream of what was used, one message for each hub and key; beyond it budgets are used by shares. */
export const useStreamBytesMax = 64 * MiB
/** What was used longer ago than any period of a budget is forgotten. */
export const useAgeMs = 40 * 86_400_000
