/**
 * The journal of durable intents between hubs: its records, its stream, and how a hub takes over what another left.
 */

const KiB = 1024
const MiB = 1024 * KiB
const GiB = 1024 * MiB

/** Bytes of a record in one message; a larger record travels in parts, of which all count or none. */
export const recordPartBytesMax = 192 * KiB

/** Bytes of one record in all its parts: of what is appended at once with the largest entry, as text. */
export const recordBytesMax = 64 * MiB

/** Records of one intent that are read to take it over or to show it elsewhere; a longer life is its hub's alone. */
export const intentRecordsMax = 20_000

/** Bytes of one intent's records that are read; the same holds. */
export const intentLifeBytesMax = 128 * MiB

/** Copies of the last record of an intent that are told apart; what follows a further one does not count. */
export const recordCopiesMax = 64

/** Entries whose records are appended at once, and bytes of their writes; what is more waits for the next ones. */
export const laneEntriesMax = 512
export const laneBytesMax = 8 * MiB

/** Until the servers have answered to an append or a read; later it is asked again, which does no harm. */
export const journalAnswerMs = 5_000

/**
 * So long the servers refuse a second message for the same place: far longer than one is between its arrival and its
 * being stored. They hold some hundred bytes for each message of this time.
 */
export const samePlaceMs = 30_000
/** Identities that are tried for one place, where something elsewhere bears each of them; later it is tried again. */
export const placeIdentitiesMax = 4

/** After an answer that was none, or a full stream, it is tried again this often. */
export const journalRetryMs = 500

/** Bytes of the stream, half of which ended intents may fill; when it is full nothing new is accepted anywhere. */
export const journalStreamBytesMax = 4 * GiB
/** A new intent is refused once the stream is filled to this share, so that those under way can end. */
export const journalShareMax = 0.9
/** Ended intents are erased, oldest first, once the stream is filled to this share. */
export const journalEndedShareMax = 0.5
/** How often is looked how full it is, and how many ended intents a hub erases in one look. */
export const journalLookMs = 10_000
export const journalErasedMax = 1_000
/** Ended intents that a hub remembers for that; of older ones the stream's own age rids it. */
export const journalEndedMax = 100_000

/** Records older than this go, whatever is left of their intent: longer than an intent lives, and is kept for. */
export const journalAgeMs = 8 * 86_400_000

/** A hub that was silent for so long has lost its intents to those that are here; less than it takes to start anew. */
export const takeoverMs = 10_000
/**
 * What a hub that ends has sent is there within this, after its scouts have come to another one. The processes of one
 * hub may end one after the other, so it may speak a last time when some of its scouts have left it. Whoever is heard
 * later goes on.
 */
export const stillSpeaksMs = 3_000
/** A scout with leases of a hub that is gone waits so long at most for its welcome; less than until it is impatient. */
export const leasesWaitMs = 20_000
/** How often is looked for intents without a hub. */
export const takeoverLookMs = 1_000
/** Intents that are taken and written into the store at once, and how many times as many are under way. */
export const takeoverAtOnce = 128
export const takeoverLanes = 3
/**
 * Marks in one listing, which is one answer of the servers, and intents that are read of them; the rest is seen once
 * these are taken.
 */
export const openListedMax = 100_000

/** Intents that one mark names, and the bytes of their ids; what is begun in one turn beyond that has further ones. */
export const markIntentsMax = 256
export const markBytesMax = markIntentsMax * 129
/** Marks that are read at once, in a listing of them. */
export const markReadsAtOnce = 128
/** Marks of which little is left that become one with each look (`journalLookMs`); the rest waits for the next. */
export const marksThinnedMax = 64
/**
 * A mark of another hub that has to stay, because something of it may be on its way, is looked at with each look in
 * this first time, and later this often. Of so many marks is known what of them need not be looked at.
 */
export const markFreshMs = 30_000
export const markRelookMs = 60_000
export const leftMarksMax = 1_024

/** Intents of other hubs of which a copy is held for readers, and the bytes of their records. */
export const copiesMax = 256
export const copiesBytesMax = 64 * MiB
/** A copy that somebody follows is brought up to date this often; one that is asked for, if it is older than this. */
export const copyFollowMs = 500
export const copyFreshMs = 200

/**
 * Lines of answers in progress, for readers at other hubs. Whoever follows an intent elsewhere is told of new ones at
 * most once in this time; a question waits so long for some. An answer that takes longer than that, and this, is lost.
 */
export const linesGapMs = 50
export const linesWaitMs = 5_000
export const linesAnswerMs = 3_000
/**
 * Bytes of lines in one answer; as text within another they are twice that at most. A longer line is not sent on, nor
 * is what follows it in that answer: the result has them.
 */
export const linesAnswerBytesMax = 96 * KiB
/** Nodes whose lines a hub follows in one intent elsewhere; of others the lines come when one of these has ended. */
export const linesNodesMax = 64
/** Answers that a hub asks for, one after the other, to have all lines of a task before it tells of its end. */
export const linesRoundsMax = 64
/** Intents that a hub follows at others, and that each other one may follow here; beyond it only events are told. */
export const linesAtOnce = 256
export const linesOfHub = 256
/** A hub that has asked for no lines of an intent for so long follows it no more, and nothing is kept for it. */
export const linesForgetMs = 15_000
/** Bytes of such lines, of all tenants and of one; beyond them readers get the end of the task, and its result. */
export const mirroredLinesBytesMax = 64 * MiB
export const mirroredLinesBytesPerTenantMax = 16 * MiB

/** The rebuild command waits so long for the servers, and looks at so many intents. */
export const rebuildListedMax = 250_000
export const rebuildWaitMs = 15_000

/**
 * Wishes of clients that are passed on to the hub which has their intent: answered within this time, so many under way
 * from here, and so many from one other hub. Beyond them the client is told to try again.
 */
export const wishAnswerMs = 10_000
export const wishesAtOnce = 1_024
export const wishesOfHub = 256
