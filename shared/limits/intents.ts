/**
 * Durable intents while they run: how many, how long, how far they may expand, and how their events are read.
 */

const KiB = 1024
const MiB = 1024 * KiB

/** Tool calls kept of one choice of a durable answer; what a scout sends beyond them is left out. */
export const toolCallsMax = 128

/** Characters of the name of a node that joined its scroll later; a control node that names a longer one fails. */
export const expandedIdCharsMax = 96

/** Nodes of one intent with all that joined it later; a control node that would expand it beyond this fails. */
export const intentTasksMax = 1_024

/** Expansions of one control node; at the next one it fails. Rounds of a debate, levels of a merge, and some more. */
export const decisionStagesMax = 64

/** Ways in which one durable response is asked for in turn, each of them an expansion; more is 400. */
export const durableTriesMax = 32

/** Requests that join a scroll at once, together; a control node that adds more fails. */
export const expansionBytesMax = 16 * MiB

/** Characters of a broken answer that its repair quotes; the rest is cut off. */
export const quotedAnswerCharsMax = 20_000

/** From acceptance to the end of an intent whose client names no time, and the most it may name; more is 400. */
export const intentDeadlineMs = 3_600_000
export const intentDeadlineMsMax = 86_400_000

/** Priorities go from 0 to this; an intent that names none stands in the middle. */
export const intentPriorityMax = 9
export const intentPriorityDefault = 5

/** A client's own labels on an intent: how many, and the characters of each; more is 400. */
export const metadataPairsMax = 16
export const metadataKeyCharsMax = 64
export const metadataValueCharsMax = 512

/** Tasks of intents that are not over, all tenants; beyond it: 429 `queue_full`. */
export const durableTasksMax = 250_000

/** The same of one tenant: half, so that no key fills the queue alone; beyond it 429 `queue_full` for that tenant. */
export const durableTasksPerTenantMax = 125_000

/** Stored events given to one reader at a time, and nodes whose chunks it gets as they arrive: an id names them all. */
export const eventsPortion = 256
export const followedNodesMax = 32

/** Bytes of all results that one request or one decision is made of; more fails the node with `request_too_large`. */
export const nodeResultsBytesMax = 6 * MiB

/** Deaths of the process under one intent; at the last of them the intent is set aside and fails. */
export const intentDeathsMax = 2

/** Intents whose deaths the database could not take so far; the oldest is forgotten, and may end one process more. */
export const owedDeathsMax = 8

/**
 * Bytes that are read and written in one turn of the loop to make requests of durable tasks and decisions of control
 * nodes, but for its last step; the rest is made in turns to come, one task after the other.
 */
export const madeBytesPerTurn = MiB / 2

/** What one step of a decision looks at or makes, but for its last text. */
export const decisionStepBytes = MiB / 4

/**
 * Characters of chunks given to one reader at a time, ids included, and one chunk more; the rest comes as it reads
 * on.
 */
export const eventsPortionChars = 128 * KiB

/**
 * Bytes of lines of settled tasks that are kept because a reader of the intent's events lacks them, of all tenants and
 * of one. Beyond it lines are freed: their readers get the end of the task, and its result has them.
 */
export const keptLinesBytesMax = 64 * MiB
export const keptLinesBytesPerTenantMax = 32 * MiB
