/**
 * The store and the journal in front of it: rows per commit, retries, what is kept and for how long.
 */

const KiB = 1024
const MiB = 1024 * KiB

/** The write-ahead log is cut back to this after a burst let it grow; until then the disk holds that much more. */
export const walBytesKept = 64 * MiB

/** A running hub's loop stands still this long for another program's lock on the database; then it tries later. */
export const storeBusyMs = 100

/** Rows of one transaction; what is more goes into the next one, so that no commit holds the loop for long. */
export const journalRowsMax = 512

/**
 * Bytes of requests, results and answers of one transaction, but for its last entry; the same holds. A MiB takes about
 * 10 ms, half of them at the disk.
 */
export const journalBytesMax = MiB

/**
 * How much is written to the log before it is folded into the database, in a turn of the loop of its own; each row
 * counts as so many bytes beside what may be large in it. To fold in a MiB takes as long as to write it.
 */
export const foldBytes = MiB
export const foldRowBytes = 8 * KiB

/**
 * A copy of the database is flushed each time it has grown by this, while it is written: a commit beside it mostly
 * waits for a few of these at the disk, where it waited for the whole copy.
 */
export const copyFlushBytes = MiB

/** A store that could not write is tried again this often; meanwhile new intents are refused with 503. */
export const journalRetryMs = 1_000

/** Usage of chats is summed this long in memory before it is written; a crash loses no more than that. */
export const usageFlushMs = 1_000

/** Sums of usage held at once, one for each tenant and model; with the next one all are written. */
export const usageSumsMax = 10_000

/** Bookings of usage that wait for a commit; what is more while the store is in trouble is counted and lost. */
export const usageBacklogMax = 100_000

/** Finished intents are kept this long, with their results and events; usage sums stay. */
export const retentionMs = 7 * 86_400_000

/** Answers to an Idempotency-Key are kept this long. */
export const idempotencyMs = 86_400_000

/** What has outlived its time is removed in portions of this many, this long apart, so that nobody notices. */
export const forgetPortion = 200
export const forgetEveryMs = 10_000

/** A response with its request that is larger is given to its client and not kept; its `store` says so. */
export const keptResponseBytesMax = 8 * MiB

/** Usage by key and model is kept so long by the hour, and by the day: longer than any budget's period. */
export const usageHoursKept = 8 * 24
export const usageDaysKept = 400

/** The day of a key's last use is looked for so far back; before that it counts as not used. */
export const lastUseDays = 90

/** What scouts served is summed this long in memory; a crash loses no more than that. */
export const servedFlushMs = 60_000

/** Scouts whose sums are held at once (150 bytes each); what further ones serve meanwhile is in no page. */
export const servedSumsMax = 20_000

/** What a scout served is kept so long by the day, in one row for each day on which it served anything. */
export const servedDaysKept = 90

/** Rows of usage in one answer; a larger `limit` is 400, and `next` goes on. */
export const usagePageMax = 10_000
