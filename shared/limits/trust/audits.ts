/**
 * How much trust reads, remembers and asks: bounds of comparison, of what is kept for each scout and of the work that
 * audits may make. The statistics' own constants, each with its source, are in
 * `orchestrator/trust/standing/weights.ts`.
 */

/** Characters of an answer that are compared; what follows counts by its length alone. */
export const comparedCharsMax = 4_096

/** Buckets of the hashed words of one text; two words in one bucket make texts look a little more alike. */
export const gramBuckets = 4_096

/** Newest similarities of trusted pairs that are kept for a model; the oldest is replaced. */
export const pairsKept = 512

/** Pairs of the same two owners among them (a twentieth); their own oldest is replaced beyond it. */
export const pairsPerOwnersMax = 25

/** Answers of a scout whose hashes are kept to notice repeats; the oldest is forgotten. */
export const repeatRing = 32

/** A shorter text is no sign of anything: many questions have the same short answer. */
export const repeatCharsMin = 200

/** Texts that are remembered with the owners who sent them; the oldest is forgotten. */
export const sharedTextsKept = 4_096

/** References that one audit may ask; without a majority among them it is inconclusive. */
export const referencesMax = 3

/** Audits of a day are at most this share of the tasks settled in it, but a small network may have so many. */
export const auditShareMax = 0.05
export const auditsPerDayMin = 200

/**
 * Tasks that audits may ask for before the store has to know of them: a start counts those that were not asked, too.
 * One more look takes so many when half of them are used; an audit that finds none left is not made.
 */
export const auditsAhead = 16

/** Of the turns of one client where audits wait for a scout beside clients: priority counts inside a tenant alone. */
export const auditWeight = 0.1

/** A request that is larger is not asked again. */
export const auditedPromptBytesMax = 262_144

/** Longer answers with embeddings are not compared, which is done in one turn; and of each the first ones. */
export const auditedVectorBytesMax = 131_072
export const comparedVectorsMax = 16

/** Lines of an answer that are kept until it is looked at; what follows is not compared. */
export const witnessedBytesMax = 65_536

/**
 * Bytes of such lines of all answers under way, and of those of one operator's scouts: an answer for which there is no
 * room is not looked at.
 */
export const witnessedBytesInAllMax = 16_777_216
export const witnessedBytesPerOperatorMax = 4_194_304

/**
 * Bytes of request and answer that an edge hands to whoever looks at answers, of one answer and within a second, with a
 * share for the scouts of one operator: an answer for which there is no room is not looked at.
 */
export const handedBytesMax = 1_048_576
export const handedBytesPerSecondMax = 4_194_304
export const handedBytesPerOperatorMax = 1_048_576
export const handedWindowMs = 1_000

/** (scout, model) records of trust in memory; the one that was not booked for the longest time goes to the store. */
export const trustRecordsMax = 50_000

/** Audits that wait for their time, and bytes of their requests and answers; the oldest goes beyond either. */
export const auditsPendingMax = 512
export const pendingBytesMax = 33_554_432

/** Audits under way at once; the others wait. */
export const auditsRunningMax = 8

/** A request that is to serve as an example is no longer than this, and so many are kept for a model. */
export const envelopeBytesMax = 2_048
export const envelopesKept = 16

/** Once there are so many, another one replaces the oldest this often: reading each request would cost every task. */
export const envelopeEveryMs = 1_000

/** Models of which pairs, brakes and questions are kept; of further ones nothing is audited. */
export const trustModelsMax = 500

/**
 * Where what audits cost is bounded: units of an answer for which money is set aside, as for a key's budget, unless its
 * request allows fewer; and the part of a day's money of which the store knows before it is spent. What was not spent
 * of that is lost for the day when the hub is killed.
 */
export const auditAnswerUnits = 1_024
export const moneyAheadShare = 1 / 16

/** Questions that are kept for a model, with the owners who have had them; the oldest goes. */
export const questionsKept = 300

/** Scouts that are asked one question when it is new. */
export const makersMax = 5

/** Characters of what a scout is told about trust; it is cut there. */
export const trustNoteCharsMax = 400

/** Scouts that a list of trust shows; the gravest come first. */
export const trustListMax = 500

/** Trust is looked at this often: audits whose time has come, convictions that end. */
export const trustTickMs = 1_000

/** Changed records that are written in one of these looks, which takes about 5 ms; the rest waits for the next. */
export const trustRowsPerTick = 1_024

/** What is known of models is written this often, where it has changed. */
export const trustMemoryEveryMs = 300_000

/** Rows of trust that were not changed for so long are forgotten (longer than any conviction), so many at a time. */
export const trustForgetMs = 90 * 86_400_000
export const trustForgetRows = 500
export const trustForgetEveryMs = 3_600_000

/**
 * Tasks of one model that a newcomer has at once, and tasks that all newcomers of one owner have, where convictions
 * count and somebody is trusted with the model; further ones go to others, or wait.
 */
export const newcomerWindow = 2
export const newcomersInFlightMax = 8

/** Newcomers that look for work in one step because a place of their owner is free again; others in the next ones. */
export const newcomersWokenMax = 8
