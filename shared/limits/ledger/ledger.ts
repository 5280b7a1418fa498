/**
 * The ledger: batches of receipts, what is remembered to find repeated requests, vesting, seasons, what is kept.
 */

const KiB = 1024

/** Receipts and events under one signature; with the next one a batch is sealed at once. */
export const batchLeavesMax = 512

/** A batch is sealed this long after its first receipt; a crash loses the receipts of no more chats than that. */
export const batchEveryMs = 1_000

/** Bytes of one receipt or event, whose length is written in two bytes; a larger one is a defect. */
export const leafBytesMax = 64 * KiB - 1

/** Receipts that wait for a batch while the store is in trouble; what is more is counted and lost, as usage is. */
export const receiptBacklogMax = 100_000

/** Bytes of text that one unit of work stands for: about a token of English. */
export const bytesPerUnit = 4

/** Units that an image, a sound or a file counts for, whatever its size. */
export const unitsPerMedium = 1_000

/** Text of so many bytes is looked at for filler: one that deflates below 1/8 counts 8 times what is left of it. */
export const fillerBytesMin = 4 * KiB
export const fillerFactor = 8

/** Of a longer request so many bytes are counted in one turn: a slice takes 1 to 3 ms. */
export const countSliceBytes = 256 * KiB

/** Of a longer text so many parts of `fillerPartBytes` are looked at and stand for the rest: it is to cost little. */
export const fillerPartsMax = 4
export const fillerPartBytes = 16 * KiB

/** Texts of one answer that its hash covers: contents, refusals and parts of tool calls together; more do not count. */
export const answerTextsMax = 512

/** Of the sentence that tells a scout whether its receipts are countersigned: shorter than what the frame holds. */
export const signingNoteCharsMax = 240

/**
 * Answers whose signatures wait to be checked, so many of them in one turn of the lane: 60 to 100 microseconds each.
 * With more that wait, receipts stay uncountersigned.
 */
export const countersignaturesWaitingMax = 2_000
export const countersignaturesPerTurn = 4

/** Models of a price list; a longer list is refused. */
export const pricedModelsMax = 1_000

/** Bytes of the rules with their price list as JSON; more is refused. */
export const rulesBytesMax = 256 * KiB

/** Micro-dollars per million tokens in a price list: 1,000 dollars per million. A dearer row is refused. */
export const listPriceMax = 1_000_000_000

/** What one task can earn: so that sums of a season stay far below what a number holds. */
export const taskPointsMax = 1_000_000_000

/** Equal requests of one tenant and day that earn; further ones earn nothing. */
export const equalRequestsPaid = 3

/**
 * Requests that are remembered to find equal ones, in rows of eight: the oldest of a full row is forgotten, and may
 * then earn again. Nine bytes each.
 */
export const requestsRemembered = 65_536

/** Requests under way that are remembered by operator, to find loops; what is more is not looked at. */
export const leasedRequestsRemembered = 20_000

/** Clients for whom loops are found over several edges of a hub; of more only those that stay at one edge are. */
export const clientsWatchedMax = 4_096

/** Escrow of a day vests this long after the day is over. */
export const vestAfterMs = 72 * 3_600_000

/** What waits when its scout is convicted is burnt so long afterwards, unless the scout is cleared before. */
export const burnAfterMs = 7 * 86_400_000

/** An owner whose account is younger than this has nothing vested. */
export const ownerAgeMinMs = 7 * 86_400_000

/** Without a trust part: a scout is trusted with a model after so many paid tasks on so many days. */
export const simpleTrustTasks = 10
export const simpleTrustDays = 2

/** Transfers that one event batch may hold; the rest follows in the next one. */
export const transfersPerTurn = 256

/** How often escrow is looked through for what vests, and seasons for what ends. */
export const ledgerUpkeepMs = 600_000

/** How long a season stays open for disputes after its month. */
export const seasonClosingMs = 7 * 86_400_000

/** Receipts are kept this long after the end of their season; then heads, events and sums are what is left of it. */
export const receiptsKeptMs = 30 * 86_400_000

/** Receipts that are forgotten in one turn, a batch more or less, and batches that are looked at for that. */
export const forgottenReceiptsPerTurn = 512
export const forgottenBatchesPerTurn = 16

/** Batches that are looked at in a row; the rest follows with the next upkeep. A day has no more than 86,400 or so. */
export const forgottenBatchesMax = 20_000

/** Characters of a note of a person in an event: a reason, a reference of a payment. */
export const ledgerNoteCharsMax = 200

/** What an operator may earn in a season by the requests of one owner, whatever its share. */
export const concentrationFreePoints = 1_000_000

/** Beyond that, one owner may stand for no more than this part of the operator's season; the rest is burnt at close. */
export const concentrationDivisor = 4

/** Of what a scout earns its client pays this part on top, where points are spent: 5 %, which is burnt. */
export const spendingFeeDivisor = 20

/** Points that are made spendable at once: far below what a number holds. */
export const depositPointsMax = 1_000_000_000_000

/** Moves of clients' points that are not sealed yet, while the store is in trouble; then nothing more is set aside. */
export const spendingBacklogMax = 100_000

/**
 * Rows of movements of a client's points in one answer, batches that are looked through for them, and how many of those
 * in one turn. What is older is asked for.
 */
export const movementRowsMax = 50
export const movementBatchesMax = 2_000
export const movementBatchesPerTurn = 8

/**
 * What a client has spent on a task is in a batch that lies so far from that of its receipt at most, on either side: it
 * is sealed within seconds of it. What lies further away is not found, and not given back. And batches in one turn.
 */
export const spendSearchBatches = 128
export const spendSearchPerTurn = 8

/**
 * What was folded is written down this often; sooner once so many rows have gathered, each of about 300 bytes of
 * memory, or so many receipts, which a start would have to fold again.
 */
export const snapshotEveryMs = 60_000
export const foldRowsMax = 200_000
export const foldReceiptsMax = 1_000_000

/** Rows that are written in one turn; a row takes about 10 us, most of it at the disk. */
export const foldRowsPerTurn = 128

/** Events that people asked for and are taken up at once; the rest follows a second later. */
export const askedPerTurn = 16

/** Batches that a reader of the ledger gets in one answer; the next ones are asked for. */
export const batchesPerPage = 16

/**
 * Rows of earnings, each of a scout, model and day, that are read in one turn; that are added up in one answer; and
 * sums in it. It goes on with the next answer.
 */
export const earningRowsMax = 1_000
export const earningRowsSummed = 50_000
export const earningGroupsMax = 1_000

/** Operators on the leaderboard. */
export const leaderboardRowsMax = 100

/** The leaderboard is made anew no more often than this. */
export const leaderboardEveryMs = 10_000

/** Characters of the sentence that tells a scout why tasks earned nothing; it is cut there. */
export const unpaidCharsMax = 160
