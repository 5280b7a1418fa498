/**
 * Every bound of the system in one place: unit in the name, the reason, and what happens at the edge.
 * Both sides import these; the ones a scout must honour also travel in the welcome frame.
 */

const KiB = 1024
const MiB = 1024 * KiB

// ---------------------------------------------------------------- frames and bodies

/** One websocket message. Small enough that a heartbeat never waits long behind one; larger closes with 4400. */
export const frameBytesMax = 64 * KiB
/** Largest body that rides inside its frame; a larger one follows as fragments. Leaves room for the envelope. */
export const inlineBodyBytesMax = 32 * KiB
/** One fragment of a large body. Half a frame, so that other frames slip in between. */
export const fragmentBytes = 32 * KiB
/** A request or an answer. A larger request is 413; a larger answer fails the attempt with `answer_too_large`. */
export const bodyBytesMax = 4 * MiB
/** Nesting of a frame. Protocol v1 needs three; more closes with 4400. */
export const frameDepthMax = 16
/** Values in one frame. A full hello needs about 2,600; more closes with 4400. */
export const frameNodesMax = 4096
/** Bodies one scout may have half-delivered at once; more fails the attempt that asks for more. */
export const assemblyBytesMax = 16 * MiB
/** Coalesced chunk lines in one chunk frame; the scout flushes at this size. */
export const chunkFrameBytes = 16 * KiB

// ---------------------------------------------------------------- what a scout may say of itself

/** Characters of a scout's name, of a provider's name. */
export const nameCharsMax = 64
/** Characters of a model's name. */
export const modelCharsMax = 128
/** Offers of one scout; the hello is refused with 4400 beyond it. */
export const offersMax = 256
/** Characters with which a specialist says what it is good for; the scout cuts the rest off. */
export const aboutCharsMax = 160
/** Tasks one scout may run at once; a larger advertised concurrency is cut to this. */
export const concurrencyMax = 256
/** Characters of a fault message; the rest is cut off. */
export const faultMessageCharsMax = 500

// ---------------------------------------------------------------- rates

/** Control frames (all but chunk, fragment) per scout and second, with one second of burst; more closes with 4429. */
export const controlFramesPerSecond = 200
/** Control bytes per scout and second, with one second of burst; more closes with 4429. */
export const controlBytesPerSecond = 1 * MiB
/** Chunk and fragment frames per scout and second; 256 tasks at 30 frames/s. More closes with 4429. */
export const dataFramesPerSecond = 8_000
/** Chunk and fragment bytes per scout and second, with two seconds of burst; more closes with 4429. */
export const dataBytesPerSecond = 8 * MiB
/** Upgrades per second and address; more are answered 429 before any key is looked at. */
export const upgradesPerSecondPerAddress = 50
/** Share of `ulimit -n` the hub will fill with connections; at the limit itself Bun spins, so it refuses before. */
export const descriptorShare = 0.8

// ---------------------------------------------------------------- sessions

/** From upgrade to hello; a silent dialer is closed with 4408. */
export const helloTimeoutMs = 5_000
/** The hub pings each scout this often (jittered by up to 20 %); the pong comes out of the scout's work loop. */
export const heartbeatMs = 10_000
/** Silence after which either side gives the other up (hub: 4408, scout: redials). Two heartbeats and a half. */
export const silenceMs = 25_000
/** Bytes queued towards one scout; more closes that socket (4413) so that one stalled reader costs no memory. */
export const socketBacklogBytesMax = 256 * KiB
/** The sender of fragments waits while more than this is queued, so that heartbeats keep their turn. */
export const fragmentBacklogBytes = 64 * KiB
/**
 * After this many bytes of fragments the hub pings, and no more than twice as many are on their way unanswered: the
 * system's buffers below the socket hold megabytes that nobody sees, and on a slow line a heartbeat waits behind them.
 */
export const fragmentStretchBytes = 128 * KiB
/** Reconnect delay: full jitter from base, doubling, up to cap. Never gives up. */
export const reconnectBaseMs = 1_000
export const reconnectCapMs = 30_000
/** After losing a hub, the first redial is uniform over this window, so that a fleet does not return as one wave. */
export const reconnectWindowMs = 15_000
/** After 4409 (a newer session of the same scout took over) the older one waits this long before it dials again. */
export const supersededDelayMs = 60_000

// ---------------------------------------------------------------- leases and attempts

/** A lease lives this long after its last sign of life. */
export const leaseTtlMs = 30_000
/** The hub waits this much longer than the scout, so that the scout has always stopped first. */
export const leaseGraceMs = 5_000
/** Deadlines are looked at this often; none is noticed later than this. */
export const tickMs = 50
/** Attempts of one task, on different scouts where there are others; then it is dead with its cause. */
export const attemptsMax = 3
/** A task that comes back waits this long for a scout that has not had it; from then on any scout may have it. */
export const elsewhereMs = 5_000
/** Times one task may be handed back uncharged (drain, rate limit) before that counts as a failure. */
export const returnsMax = 10
/** A stream whose scout lost its socket after content was forwarded waits this long for that scout to come back. */
export const resumeWindowMs = 20_000
/** A rate-limited provider that names no time is left alone this long. */
export const pauseDefaultMs = 10_000
/** Longest time a provider may ask to be left alone; a longer one is cut to it. */
export const pauseMaxMs = 3_600_000
/** Committed settlements remembered, so that a repeated one hears `committed` again; the oldest is forgotten. */
export const committedKept = 65_536
/** Scout identities whose record is remembered; the longest-gone is forgotten beyond it. */
export const recordsMax = 200_000
/** What a scout is told of the last hour is counted in so many slots of this length; the oldest is forgotten. */
export const hourSlots = 12
export const hourSlotMs = 300_000
/** A scout is told how it stands no more often than this, and only when that has changed. */
export const standingEveryMs = 60_000
/** Delay before another attempt after a charged failure: full jitter from base, doubling, up to cap. */
export const retryBaseMs = 500
export const retryCapMs = 30_000
/** From asking the provider until the scout says so, unless it has an answer sooner: most have. */
export const startedAfterMs = 2_000
/** Acknowledgements that wait for a frame to go along with; with one more they go by themselves. */
export const acksHeldMax = 16
/** Cancelled work must be acknowledged within this, or the cancel is sent again. */
export const cancelResendMs = 2_000
/** How long and how much a scout keeps of results that the hub has not acknowledged; the oldest goes first. */
export const unackedResultMs = 600_000
export const unackedBytesMax = 64 * MiB

// ---------------------------------------------------------------- requests

/** A request from acceptance to its end; the client may ask for less. Beyond it: 504 `deadline_exceeded`. */
export const requestDeadlineMs = 600_000
/** Longest wait for a scout; beyond it: 503 `no_scout_available`. */
export const queueTimeoutMs = 120_000
/** From grant to the first sign of work, plus `firstSignMsPerKiB` of prompt; beyond it the attempt is lost. */
export const firstSignMs = 60_000
export const firstSignMsPerKiB = 50
/** From grant to the first content of a stream, plus `firstSignMsPerKiB` of prompt; beyond it the attempt is lost. */
export const firstContentMs = 120_000
/** Between two pieces of a stream. Above a client's and a provider's patience, which end it sooner with a cause. */
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
/**
 * Answer bytes waiting for one client; above it the scout is told to pause that stream. Half of what a stream may hold,
 * because as much again is usually under way by then.
 */
export const streamBufferBytes = 128 * KiB
/** What may still arrive after the pause was asked for; the chunk after it fails the stream. */
export const streamOverrunBytes = 256 * KiB
/** A client that reads nothing for this long is dropped and its task cancelled. */
export const clientStallMs = 60_000
/** A waiting stream gets an SSE comment this often, so that no proxy gives it up. */
export const keepAliveMs = 5_000
/** Tool calls kept of one choice of a durable answer; what a scout sends beyond them is left out. */
export const toolCallsMax = 128
/** Depth of a request's JSON; deeper is 400. */
export const jsonDepthMax = 64
/** Names in one list of wished or unwished scouts, and the characters of each; more is 400. */
export const routingNamesMax = 64
export const routingNameCharsMax = 200
/** Fields of one object in a request's JSON; more is 400: an object of 300,000 costs half a second to check. */
export const jsonFieldsMax = 4096
/** A client's connection on which nothing moves is closed after this. Above `clientStallMs`, below Bun's 255 s. */
export const httpIdleMs = 120_000
/** A body that declares up to this much is refused with our own 413, unread; beyond it Bun's has no explanation. */
export const declaredBodyBytesMax = 256 * MiB
/** How long the last answers may take to be written out when the client edge stops; then their sockets are cut. */
export const httpStopMs = 2_000

// ---------------------------------------------------------------- intents

/** Nodes of one scroll; more is 400. A plan that people can still look at, and one transaction that stays short. */
export const scrollNodesMax = 256
/** Fields of one node; OpenAI's requests have about 40. More is 400, before anything looks at each of them. */
export const scrollNodeFieldsMax = 256
/** Nodes whose answers one node needs; more is 400: together they must fit into one request. */
export const scrollNeedsMax = 64
/** Needs of all nodes of a scroll together; more is 400. */
export const scrollEdgesMax = 4096
/** Nodes in the longest chain of needs; more is 400: each waits for the one before. */
export const scrollDepthMax = 64
/** Items of one map, and how many when it names no bound; more than its bound fails the node. */
export const mapItemsMax = 256
export const mapItemsDefault = 64
/** Characters of one part of a text that a map splits: at least, at most, and when it names no number. */
export const splitCharsMin = 200
export const splitCharsMax = 200_000
export const splitCharsDefault = 8_000
/** Answers of one vote; more is 400. */
export const voteAnswersMax = 16
/** Characters of all texts of a scroll that hold references; more is 400. What they refer to is not counted. */
export const templateCharsMax = 256 * KiB
/** References in one text, steps of one reference, and characters of each step; more is 400. */
export const textReferencesMax = 128
export const referenceStepsMax = 8
export const referenceStepCharsMax = 64
/** Fields of a scroll's or template's `params`; more is 400. */
export const paramsMax = 64
/** Share of a model's context that is kept free for its answer. */
export const answerShare = 0.25
/** The least a scroll's token budget may be; less is 400: not even one node could start. */
export const budgetTokensMin = 100

/** Characters of a schema that answers must fit, levels it may nest, and parts it may have; more is 400. */
export const contractSchemaCharsMax = 32 * KiB
export const contractDepthMax = 32
export const contractNodesMax = 1_000
/** Characters of an answer that must fit a schema; a longer one breaks its contract. */
export const contractTextCharsMax = 256 * KiB
/** Compiled schemas kept between answers; beyond it the oldest is compiled anew when it is needed. */
export const contractCacheMax = 256
/** Characters of a pattern, and of a text that it is tried on; a longer text never matches. */
export const patternCharsMax = 256
export const patternTextCharsMax = 256
/** Ways in which a pattern can be tried on a text, two open repeats' worth; more is 400. */
export const patternWaysMax = 65_536
/** What one pattern counts among the parts of a schema, so that there are only a few. */
export const patternParts = 100

/** Proposals a planning model may make: the first and two repairs; then the single-task plan is used. */
export const planProposalsMax = 3
/** Tokens of one proposal, and the share of a token budget that all of them together may take. */
export const planTokensMax = 2_048
export const planBudgetShare = 0.2
/** The share of the intent's time that each proposal may take, and the most of it. */
export const planTimeShare = 0.05
export const planMsMax = 60_000
/** Characters of a proposal that are looked at; a longer one is refused unread. */
export const planCharsMax = 64 * KiB
/** Characters of the request that a planning model is shown; of a longer one the middle is left out. */
export const planRequestCharsMax = 16_000
/** Nodes of a proposed scroll, characters of their ids, and tasks they may grow to; more is refused. */
export const planNodesMax = 16
export const planIdCharsMax = 20
export const planTasksMax = 128
/** Models that a planner is told of; those with the most scouts come first. */
export const planModelsMax = 40
/** Voices and rounds of the templates; more is 400. */
export const debateRoundsMax = 5
export const voicesMax = 8

/** Characters of a node's id. */
export const nodeIdCharsMax = 64
/** Characters of the name of a node that joined its scroll later; a conducted node that names more fails. */
export const expandedIdCharsMax = 96
/** Nodes of one intent with all that joined it later; a conducted node that would grow it beyond this fails. */
export const intentTasksMax = 1_024
/** Times one conducted node may grow; the next time it fails. Rounds of a debate, levels of a merge, and then some. */
export const decisionStagesMax = 64
/** Requests that join a scroll at once, together; a conducted node that brings more fails. */
export const expansionBytesMax = 16 * MiB
/**
 * Characters of results that are put into one templated request, when its node names no context: beyond it the middle
 * of long ones is left out. With a context it is that many tokens times `charsPerToken`.
 */
export const resultCharsMax = 100_000
/** A cautious guess: English has about four, and other languages fewer. */
export const charsPerToken = 3
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
/** Characters of an Idempotency-Key; a longer one is 400. */
export const idempotencyKeyCharsMax = 255
/** Intents on one page of a list; a client that names no number gets the default. */
export const intentsPageMax = 100
export const intentsPageDefault = 20

// ---------------------------------------------------------------- providers

/** From asking a provider to its first streamed chunk, plus `firstSignMsPerKiB` of prompt; then `provider_timeout`. */
export const providerFirstTokenMs = 60_000
/** Silence between two streamed chunks of a provider; beyond it the attempt fails with `provider_timeout`. */
export const providerSilenceMs = 60_000
/** A provider may take this long to list its models; beyond it discovery fails with `provider_timeout`. */
export const providerDiscoverMs = 10_000
/** A local model server answers a probe within this, or it counts as absent: the start waits for the probes. */
export const providerProbeMs = 300
/** Choices in one streamed answer; a provider that streams more fails the attempt with `provider_bad_answer`. */
export const providerChoicesMax = 128
/** Models a local server is asked about one by one; the details of the rest stay unknown. */
export const detailedModelsMax = 64
/** Rows in `MODEL_NAMES`, and bytes of the file it may name; a start with more is refused. */
export const nameRowsMax = 1_000
export const nameFileBytesMax = 1 * MiB

// ---------------------------------------------------------------- store

/** The write-ahead log is cut back to this after a burst let it grow; until then the disk holds that much more. */
export const walBytesKept = 64 * MiB
/** A running hub's loop stands still this long for another program's lock on the database; then it tries later. */
export const storeBusyMs = 100

// ---------------------------------------------------------------- keys

/** Good keys the hub remembers between requests (200 bytes each); beyond it the oldest is looked up anew. */
export const keyCacheMax = 10_000
/** Characters of ADMIN_KEY, a credential people choose: too short is guessable, longer is refused at the start. */
export const adminKeyCharsMin = 32
export const adminKeyCharsMax = 256
/** Turns in the queue one key may get for each one of another's; outside of it making the key is 400. */
export const keyWeightMin = 0.1
export const keyWeightMax = 100

// ---------------------------------------------------------------- the scout's own pace

/** TCP, TLS and upgrade of one dial; beyond it the dial has failed and the next one waits its turn. */
export const handshakeTimeoutMs = 10_000
/** After a close was sent the peer has this long to answer it; then the socket is cut. */
export const closeGraceMs = 1_000
/** Of the hub's rates a scout uses this share, so that frames bunched on their way still fit the hub's allowance. */
export const paceShare = 0.8
/** How often the sender looks again while the socket's backlog is full. */
export const backlogPollMs = 5
/** Bytes of one answer not yet sent; above it the provider is held back. */
export const unsentBytesMax = 64 * KiB
/** An aborted provider call has this long to end before the scout settles without it. */
export const abortGraceMs = 400
/** How often a scout asks its providers anew what they offer. */
export const offersRefreshMs = 300_000
/** A change in where the work goes is told to the operator no sooner than this after the last; one between is kept. */
export const standingSayAgainMs = 900_000
/** The same for failures and pauses, which want a look: soon, but no hub can fill a log with them. */
export const standingUrgentMs = 60_000
/** Before the drain time is over, what still runs is handed back this early, so that the hub hears of it. */
export const handBackMs = 3_000

// ---------------------------------------------------------------- durability

/** Rows of one transaction; what is more goes into the next one, so that no commit holds the loop for long. */
export const journalRowsMax = 512
/** A store that could not write is tried again this often; meanwhile new intents are refused with 503. */
export const journalRetryMs = 1_000
/** Usage of chats is summed this long in memory before it is written; a crash loses no more than that. */
export const usageFlushMs = 1_000
/** Sums of usage held at once, one for each tenant and model; with the next one all are written. */
export const usageSumsMax = 10_000
/** Bookings of usage that wait for a commit; what is more while the store is in trouble is counted and lost. */
export const usageBacklogMax = 100_000
/** Tasks of intents that are not over, all tenants; beyond it: 429 `queue_full`. */
export const durableTasksMax = 250_000
/** Finished intents are kept this long, with their results and events; usage sums stay. */
export const retentionMs = 7 * 86_400_000
/** Answers to an Idempotency-Key are kept this long. */
export const idempotencyMs = 86_400_000
/** What has outlived its time is removed in portions of this many, this long apart, so that nobody notices. */
export const forgetPortion = 200
export const forgetEveryMs = 10_000
/** Stored events given to one reader at a time, and nodes whose pieces it hears as they come: an id names them all. */
export const eventsPortion = 256
export const followedNodesMax = 32

// ---------------------------------------------------------------- shutdown

/** From the first signal to exit 0; what is unfinished then is handed back or failed. */
export const drainMs = 30_000

// ---------------------------------------------------------------- the two processes of `npm start`

/** A part that has not reported itself ready by then is named to the person who waits; the wait goes on. */
export const startNoticeMs = 30_000
/** How long the scout is ahead in a common shutdown, so that it announces its drain before the hub leaves. */
export const drainHeadStartMs = 1_000
/** From the first signal to the end of whatever still runs; leaves a second below the promised 35. */
export const drainKillMs = drainMs + drainHeadStartMs + 3_000
/** A signal this soon after the first is its echo: `npm` passes on a Ctrl-C that the terminal has delivered too. */
export const signalEchoMs = 500
