/**
 * How long tasks wait, leases last and models are remembered, and how many of each there may be. The core's defaults
 * (`orchestrator/core/settings.ts`) are these.
 */

/** A lease lasts this long after its last sign of life. */
export const leaseTtlMs = 30_000

/** The hub waits this much longer than the scout, so that the scout has always stopped first. */
export const leaseGraceMs = 5_000

/** Deadlines are looked at this often; none is noticed later than this. */
export const tickMs = 50

/** Attempts of one task, on different scouts where there are others; then it fails with the last cause. */
export const attemptsMax = 3

/** A task that comes back waits this long for a scout that has not had it; from then on any scout may have it. */
export const elsewhereMs = 5_000

/** Times one task may be handed back uncharged (drain, rate limit) before that counts as a failure. */
export const returnsMax = 10

/** A stream whose scout lost its socket after content was forwarded waits this long for that scout to come back. */
export const resumeWindowMs = 20_000

/** A rate-limited provider that names no time is not asked for this long. */
export const pauseDefaultMs = 10_000

/**
 * Shortest and longest time for which a provider may pause a model; what it names beyond them is cut to them. One that
 * says "now", or names a time that has passed, is not asked again before another task has had its turn elsewhere.
 */
export const pauseMinMs = 1_000
export const pauseMaxMs = 3_600_000

/** Committed settlements remembered, so that a repeated one is answered `committed` again; the oldest is forgotten. */
export const committedKept = 65_536

/**
 * Records of scouts that are gone, of all operators. Each counts as one, and as one more for every model whose speed or
 * pause it keeps; the longest-gone is forgotten beyond it. About 60 MB when full.
 */
export const recordsMax = 200_000

/** The same of one operator, so that names without end push out no one else's; its own longest-gone is forgotten. */
export const recordsPerOperatorMax = 20_000

/** The last hour of `standing` frames is counted in so many slots of this length; the oldest is forgotten. */
export const hourSlots = 12
export const hourSlotMs = 300_000

/** A scout gets a `standing` frame no more often than this, and only when its figures have changed. */
export const standingEveryMs = 60_000

/** Delay before another attempt after a charged failure: full jitter from base, doubling, up to cap. */
export const retryBaseMs = 500
export const retryCapMs = 30_000

/** Cancelled work must be acknowledged within this, or the cancel is sent again. */
export const cancelResendMs = 2_000

/** A request from acceptance to its end; the client may ask for less. Beyond it: 504 `deadline_exceeded`. */
export const requestDeadlineMs = 600_000

/** Longest wait for a scout; beyond it: 503 `no_scout_available`. */
export const queueTimeoutMs = 120_000

/** From grant to the first sign of work, plus `firstSignMsPerKiB` of prompt; beyond it the attempt is lost. */
export const firstSignMs = 60_000
export const firstSignMsPerKiB = 50

/**
 * From a scout's last `started` to the first content of a stream, plus `firstSignMsPerKiB` of prompt; beyond it the
 * attempt is lost. A scout that waits for its provider repeats `started`; the deadline bounds the whole.
 */
export const firstContentMs = 120_000

/** Between two pieces of a stream, or from the last `started` if that came later. Above a client's patience. */
export const contentSilenceMs = 90_000

/** A model's own percentile triggers a hedge only once it rests on this many samples, and never sooner than this. */
export const hedgeSamplesMin = 50
export const hedgeAfterMinMs = 2_000

/** Times a begun stream may move to another scout for a client that opted in; then it fails. */
export const migrationsMax = 2

/** Tasks waiting for a scout, of all tenants; beyond it: 429 `queue_full` with Retry-After. */
export const readyTasksMax = 10_000

/** Tasks of one tenant waiting for a scout; beyond it: 429 `queue_full` with Retry-After. */
export const readyTasksPerTenantMax = 2_000

/** A model whose last scout left is held open this long: its scouts are probably reconnecting. */
export const modelGraceMs = 60_000

/** After a restart, requests wait this long for the fleet to return before `model_not_found` is believed. */
export const bootGraceMs = 20_000

/** Events that one turn of the loop may collect; with the next one they are stepped at once. */
export const turnEventsMax = 1_024

/**
 * Models that the scouts of one operator have brought in, offered or in their grace. Beyond it the oldest that nobody
 * offers and nobody waits for is forgotten; while there is none, further models are left out of a scout's offers.
 * Sixteen scouts with different full lists; about 8 MB.
 */
export const modelsPerOwnerMax = 4_096

/** The same of all operators together; about 120 MB when full. */
export const modelsMax = 65_536

/**
 * A scout's verdict about a client's request waits this long for a second one from another operator; then it stands.
 * Long enough for a busy scout to finish what it has, well below a client's patience.
 */
export const secondOpinionMs = 30_000

/**
 * Clients wait this long for a model whose last scout was lost or left; then 503 `no_scout_available`, or the failure
 * of the attempt before. Above the time within which a lost scout dials again.
 */
export const modelWaitMs = 20_000

/** Models that were offered and are not any more, of which the reason is remembered, and how long; the oldest goes. */
export const departedModelsMax = 4_096
export const departedModelsMs = 600_000

/** A scout's report that its provider refuses a key or a model explains what it withdraws within this time. */
export const refusalExplainsMs = 60_000

/** What `Retry-After` says where no time is known: all scouts are busy, or as many requests wait as may. */
export const busyRetryMs = 5_000
export const queueFullRetryMs = 2_000
