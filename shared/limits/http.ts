/**
 * The client edge: how large and how deep a request may be, how much of an answer may wait for its reader, and how
 * long a connection lives.
 */

const KiB = 1024
const MiB = 1024 * KiB

/**
 * Answer bytes waiting for one client; above it the scout is told to pause that stream. Half of what a stream may hold,
 * because as much again is usually in flight by then.
 */
export const streamBufferBytes = 128 * KiB

/** What may still arrive after the pause was asked for; the chunk after it fails the stream. */
export const streamOverrunBytes = 256 * KiB

/** A client that reads nothing for this long is dropped and its task cancelled. */
export const clientStallMs = 60_000

/** A waiting stream gets an SSE comment this often, so that no proxy closes it. */
export const keepAliveMs = 5_000

/** Depth of a request's JSON; deeper is 400. */
export const jsonDepthMax = 64

/** Names in one list of required or excluded scouts, and the characters of each; more is 400. */
export const routingNamesMax = 64
export const routingNameCharsMax = 200

/** Fields of one object in a request's JSON; more is 400: an object of 300,000 costs half a second to check. */
export const jsonFieldsMax = 4096

/**
 * The connection of a client with a good key on which nothing moves is closed after this.
 * Above `clientStallMs`, below Bun's 255 s.
 */
export const httpIdleMs = 120_000

/** A connection that has waited so long for a whole answer is exempted from that; far below it, so none is missed. */
export const idleExemptMs = 30_000

/**
 * How often the requests that wait for a whole answer are looked through, and how long one waits at least before its
 * client is watched: one that leaves is noticed within twice this. Most answers come sooner and are spared the watch.
 */
export const leaveSweepMs = 250

/** A body that declares up to this much is refused with our own 413, unread; beyond it Bun's has no explanation. */
export const declaredBodyBytesMax = 256 * MiB

/** How long the last answers may take to be written out when the client edge stops; then their sockets are cut. */
export const httpStopMs = 2_000

/** Characters of an Idempotency-Key; a longer one is 400. */
export const idempotencyKeyCharsMax = 255

/** Intents on one page of a list; a client that names no number gets the default. */
export const intentsPageMax = 100
export const intentsPageDefault = 20

/**
 * Bytes of requests in flight, from their arrival to the end of their answer: of all tenants, beyond it 503
 * `hub_overloaded`; of one, beyond it 429 `rate_limited`. Both with Retry-After.
 */
export const requestBytesMax = 192 * MiB
export const requestBytesPerTenantMax = 96 * MiB

/** A body that declares no more is read at once: it has `smallBodyMs` to arrive, beyond it 408. */
export const smallBodyBytes = 64 * KiB
export const smallBodyMs = 10_000

/** Of a larger body, as much has to arrive between two looks this far apart; beyond it 408, within 15 s. */
export const bodyLookMs = 5_000
export const bodyBytesPerLook = 32 * KiB

/** What is read and dropped of the body of a refused request, so that its client gets to read the refusal. */
export const discardedBodyBytesMax = 64 * MiB

/** So many at once; the next is answered at once and its connection cut: what is dropped is memory until collected. */
export const discardedBodiesMax = 16

/** Strings, names, lists and objects of a request's JSON, and values in all; more is 400, before it is parsed. */
export const jsonNodesMax = 65_536
export const jsonValuesMax = 1_048_576

/** The same for a connection without a good key so far: nothing else bounds how many of those there are. */
export const strangerIdleMs = 10_000

/**
 * Requests of one connection that are handled in one turn of the loop: clients that do not wait for their answers have
 * a few under way. Those that come before anybody counts by connection, as many again, are free. Beyond it 429
 * `rate_limited`, and the connection is closed.
 */
export const pipelinedRequestsMax = 16

/** Models on one page of the list, the hub's own beside them; a client asks for the next with `after`. */
export const modelsPageMax = 1_000

/** The largest body of an interactive request, unless `REQUEST_MAX_MIB` names another; beyond it 413. */
export const requestBodyBytesDefault = 32 * MiB

/**
 * Of the bytes of requests in flight, those of requests larger than `bodyBytesMax`: of all tenants, beyond it 503
 * `hub_overloaded`; of one, beyond it 429 `rate_limited`. The rest is for requests of the usual size alone.
 */
export const largeRequestBytesMax = 96 * MiB
export const largeRequestBytesPerTenantMax = 64 * MiB

/** A body that takes more than so many looks at an even rate is cut (408): larger ones have to come faster. */
export const bodyLooksMax = 128

/** Most likely tokens shown for each token of an answer, as OpenAI allows; more is 400. */
export const topLogprobsMax = 20

/**
 * Kept responses that one request goes back over, and their bytes; more is 400. All are read in one turn of the loop.
 */
export const conversationTurnsMax = 512
export const conversationBytesMax = 16 * MiB

/** Input items of a response on one page of their list; a client that names no number gets the default. */
export const inputItemsPageMax = 100
export const inputItemsPageDefault = 20

/** What an image or a sound counts in an estimate of a prompt's tokens; providers differ by far. */
export const mediumTokensEstimated = 1_000

/** After a start of the hub, a request whose plan needs a model that is not back yet looks for it this often. */
export const modelPollMs = 100

/** How long a browser need not ask again whether a page may send a request; browsers keep it for no longer. */
export const preflightKeptSeconds = 7_200

/** Models that a request names, to be asked in turn, and providers to be preferred in turn; more is 400. */
export const fallbackModelsMax = 8
export const preferredProvidersMax = 8

/**
 * So long a request waits for a scout of a model, or of a provider, that it named before others; then the next one is
 * asked. The last one has the whole patience of a request that names only one.
 */
export const fallbackWaitMs = 5_000

/** Providers named with one model in the list of models; further ones are left out. */
export const providersListedMax = 64

/**
 * Characters of blocks of a streamed message that wait until the arguments of a tool call before them are whole; more
 * ends the stream with an error inside. Providers send one call after the other, so almost nothing ever waits.
 */
export const heldBlockCharsMax = 1 * MiB

/**
 * Bits of the window of a body in zstd, 8 MiB, which is what HTTP allows; a body that needs a larger one is 400. The
 * window is memory that no count of arrived bytes shows.
 */
export const zstdWindowBitsMax = 23

/** Prompts of one request to the old completions, each of which is a task of its own; more is 400. */
export const promptsMax = 32
/**
 * Of the requests that may be under way at once, as descriptors stand, the share that one key may have: streams,
 * readers of events and chats that wait among them. Beyond it 429 `rate_limited` with Retry-After.
 */
export const requestShareOfTenant = 0.75

/**
 * A whole answer that is larger is given to its client in pieces of this, as it takes them; a smaller one is left to
 * the runtime, and mostly to the system's buffers at once.
 */
export const answerPieceBytes = 64 * KiB

/**
 * Bytes of such answers that have not been taken whole, and in an account of its own bytes of streams that wait for
 * their readers: of all tenants, beyond it 503 `hub_overloaded`; of one, beyond it 429 `rate_limited`. A stream beyond
 * either ends with `client_stalled`.
 */
export const unreadBytesMax = 128 * MiB
export const unreadBytesPerTenantMax = 64 * MiB

/** Of one stream, so many bytes that wait are not counted: a reader that keeps up has no more. */
export const unreadBytesFree = 16 * KiB

/** What an estimate counts for a file in a request: bytes of it, in base64, for each token. It refuses nothing. */
export const fileBytesPerToken = 50

/**
 * Elements of the lists of a request; more is 400, before any schema looks at them. Far above what services take (2,048
 * messages, 128 tools, 4 stops), low enough that the check of a whole request keeps a turn of the loop short: messages
 * of a conversation, tools and calls of them, stops, parts of one message, and inputs (a text as tokens has as many).
 */
export const messagesMax = 4_096
export const toolsMax = 1_024
export const stopsMax = 128
export const contentPartsMax = 1_024
export const inputsMax = 65_536

/** A larger body is parsed, checked and planned in turns of its own, one body after the other. */
export const largeBodyBytes = 256 * KiB

/**
 * A part of a stream that its client has not read counts among those bytes as well when it is larger than this; when
 * there is no room for it the stream ends, with the reason in it where its form has one.
 */
export const unreadPartBytesFree = 64 * KiB

/** A large body is parsed in slices of this, of which the most laborious take 3 ms; a text in pieces of that. */
export const jsonSliceBytes = 64 * KiB
export const jsonTextPieceBytes = 512 * KiB

/** Elements of lists that one turn of the loop checks against a schema, and URLs that it judges. */
export const checkedPerTurn = 256

/** Bundling the page takes about a second; a bundler that takes this long is ended. */
export const bundleMs = 60_000

/** A page that could not be bundled is tried again by a request that comes this much later. */
export const bundleRetryMs = 10_000

/** Which executables of the scout there are to hand out is looked up this often at most. */
export const scoutBuildsKeptMs = 10_000

/** Downloads of the scout at once, each with two descriptors and a piece of a file; beyond them 503. */
export const scoutDownloadsMax = 16

/** Characters that are shown of what the bundler complains about. */
export const bundleComplaintChars = 4_000

/** The charts' slots: how long one is and how many are kept; together half a MiB at most, whatever happens. */
export const trafficSlotMs = 2_000
export const trafficSlots = 300
export const minuteSlotMs = 60_000
export const minuteSlots = 1_440
export const quarterSlotMs = 900_000
export const quarterSlots = 2_880

/** A topic of the live feed is composed at most this often, and only while somebody watches it. */
export const liveEveryMs = 1_000

/** Bytes of one composed topic; a longer one is a defect of its composer. */
export const topicBytesMax = 4_096

/** Live feeds at once, in all and of one caller; beyond them 429, and the page polls. */
export const liveStreamsMax = 200
export const liveStreamsPerCallerMax = 5

/** How often a page polls that got no feed. */
export const livePollMs = 10_000

/** Tenants whose newest answer is remembered. */
export const recentTenantsMax = 4_096

/** Scouts on one page of a list; a caller that names no number gets the default. */
export const scoutsPageMax = 500
export const scoutsPageDefault = 100

/** Days of which a scout's page shows what it served. */
export const servedDaysShown = 30

/** Characters of a part of a scout's name that is searched for; more is 400. */
export const scoutSearchCharsMax = 64

/** A connected scout without a task for this long is reported to the operator. */
export const scoutIdleMs = 86_400_000

/** From this failure rate on a scout is reported as failing. */
export const scoutFailingRate = 0.2
