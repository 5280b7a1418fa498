/**
 * How much may be disputed, by whom and for how long, and what is read of those who judge. A dispute makes work for
 * others, so everything about it is bounded: beyond a bound a new one is refused, and those that are open go on.
 */

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** An answer can be disputed so long after it was given, and a verdict appealed so long after it; then it stands. */
export const disputeWindowMs = 72 * hourMs
export const appealWindowMs = 72 * hourMs

/** So long after the second verdict an administrator may decide otherwise; then it stands. */
export const rulingWindowMs = 72 * hourMs
/** Characters of an administrator's reasons, which both sides read. */
export const rulingWhyCharsMax = 500

/** A hearing that has not come to an end by then is undecided. */
export const hearingMs = 24 * hourMs

/** A longer request or answer cannot be disputed: it would be read again and again. */
export const disputedRequestBytesMax = 65_536
export const disputedAnswerBytesMax = 65_536
export const disputeCommentCharsMax = 500

/** Open disputes of one client, and about the scouts of one owner; another one is refused until one ends. */
export const openPerClientMax = 3
export const openPerOwnerMax = 8

/** Of a client in 30 days: so many, and this share of its tasks. One that was rejected counts twice. */
export const disputesPerClientMin = 5
export const disputesPerClientShare = 0.01
export const disputesCountedMs = 30 * dayMs

/** Who lost so many of so many last ones waits so long after the last. */
export const lostMax = 3
export const lostAmong = 5
export const lostPauseMs = 7 * dayMs

/** Of all clients in a day: so many, and as many as keep the tasks that they make at this share of all tasks. */
export const disputesPerDayMin = 20
export const disputeTasksShare = 0.01
/** Tasks of one hearing: three reruns, three judges in two orders, and some that fail. */
export const tasksPerHearing = 12

/** Disputes that are not over; more are refused. */
export const disputesLiveMax = 1_000
/** Newest disputes that are remembered to count them by; older ones do not count any more. */
export const disputesKnownMax = 4_000

/** Hearings that go on at the same moment; the others wait their turn. */
export const hearingsRunningMax = 4

/** Reruns and judges of the first hearing, and of an appeal (twice as many and one more, as Kleros has it). */
export const hearingSize = 3
export const appealSize = 7
/** Whoever appeals pledges so many times what filing costs (Kleros has 2). */
export const appealPledgeFactor = 2
/** With fewer reruns nothing is decided. */
export const rerunsMin = 2
/** Reruns and judges that are asked for each that is wanted: some fail, some say nothing. */
export const triesEach = 2
/** A hearing goes on with fewer reruns when others have not been found for so long. */
export const rerunsWaitMs = hourMs

/** Answers that one judge is shown beside the disputed one; and characters of each and of the request. */
export const rerunsShownMax = 3
export const judgedAnswerCharsMax = 8_192
export const judgedRequestCharsMax = 16_384

/** A judge's answer that is longer says nothing; of its reasons so much is shown. */
export const ballotCharsMax = 4_096
export const whyCharsMax = 300

/** Batches of receipts that are searched for the same text, newest first, and receipts looked at in one turn. */
export const repeatBatchesMax = 64
export const repeatReceiptsPerTurn = 64

/** Idle scouts among which those are chosen who answer again or judge. */
export const hearingCandidatesSeen = 32

/** Disputes of one list. */
export const disputeListMax = 100

/** A dispute that is over is kept so long; its texts go with its end. Looked at so often, so many at a time. */
export const disputeForgetMs = 90 * dayMs
export const disputeForgetRows = 200
export const disputeForgetEveryMs = hourMs

/** What a verdict adds to the doubt in a scout counts once for each client and scout in so long. */
export const verdictDoubtMs = 30 * dayMs

/** Rows of usage that are added up to see how much a client has asked for. */
export const usageRowsCounted = 1_000

/** Other models among whose scouts judges are looked for. */
export const judgeModelsMax = 5
