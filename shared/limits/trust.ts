/**
 * How much trust reads, remembers and asks: bounds of comparison, of what is kept for each scout and of the work that
 * audits may make. The statistics' own constants, each with its source, are in `orchestrator/trust/standing/weights.ts`.
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

/** A request that is larger is not asked again. */
export const auditedPromptBytesMax = 262_144

/** (scout, model) records of trust in memory; the one that was not booked for the longest time goes to the store. */
export const trustRecordsMax = 50_000
