/**
 * The wire between hub and scout: sizes of frames and bodies, rates, and how long a session may be silent. Both sides
 * import these; the ones a scout must honour also travel in the welcome frame. PROTOCOL.md lists them.
 */

const KiB = 1024
const MiB = 1024 * KiB

/** One websocket message. Small enough that a heartbeat never waits long behind one; larger closes with 4400. */
export const frameBytesMax = 64 * KiB

/**
 * A message may be this much longer than a frame and still reaches its session, which closes it with 4400 and a reason;
 * beyond it the runtime closes with 1009, so that a message in pieces without an end holds no more memory than that.
 */
export const oversizeRoomBytes = 4 * KiB

/** Largest body that rides inside its frame; a larger one follows as fragments. Leaves room for the envelope. */
export const inlineBodyBytesMax = 32 * KiB

/** One fragment of a large body. Half a frame, so that other frames slip in between. */
export const fragmentBytes = 32 * KiB

/**
 * An answer, a request of a durable intent, and what every scout takes of a request. A larger answer fails the attempt
 * with `answer_too_large`; a larger request goes only to scouts whose offer takes it.
 */
export const bodyBytesMax = 4 * MiB

/** Nesting of a frame. Protocol v1 needs three; more closes with 4400. */
export const frameDepthMax = 16

/** Values in one frame. A full hello has about 3,600; more closes with 4400. */
export const frameNodesMax = 4096

/** Bodies one scout may have half-delivered at once; more fails the attempt that asks for more. */
export const assemblyBytesMax = 16 * MiB

/** Coalesced chunk lines in one chunk frame; the scout flushes at this size. */
export const chunkFrameBytes = 16 * KiB

/** Characters of a scout's and of a provider's name; a longer one is refused where it is configured. */
export const nameCharsMax = 64

/** Characters of a model's name; a longer one is not offered, and a request for it is 400. */
export const modelCharsMax = 128

/** Offers of one scout. The scout leaves out what is beyond it; the hub refuses the frame with 4400. */
export const offersMax = 256

/** Bytes of all offers in one frame; the scout leaves out those beyond it. The rest of the frame is for the leases. */
export const offersBytesMax = 48 * KiB

/** Characters of the description of a specialist's offer; the scout cuts the rest off. */
export const aboutCharsMax = 160

/** Tasks one scout may run at once; a larger advertised concurrency is cut to this. */
export const concurrencyMax = 256

/** Highest number of an attempt that a frame carries; a task that would need another attempt fails instead. */
export const attemptNumberMax = 1_000

/** Longest duration that a frame carries; the hub cuts longer ones to it. */
export const durationMsMax = 86_400_000

/** Characters of a fault message; the rest is cut off. */
export const faultMessageCharsMax = 500

/** Control frames (all but chunk, fragment) per scout and second, with one second of burst; more closes with 4429. */
export const controlFramesPerSecond = 200

/** Control bytes per scout and second, with one second of burst; more closes with 4429. */
export const controlBytesPerSecond = 1 * MiB

/**
 * Chunk and fragment frames per scout and second, and settlements of tasks that its socket brought; 256 tasks at 30
 * frames/s. More closes with 4429.
 */
export const dataFramesPerSecond = 8_000

/**
 * Chunk and fragment bytes per scout and second, with two seconds of burst; more closes with 4429. 256 streams of 50
 * tokens a second, 300 bytes each; what thirty scouts send at this rate leaves a hub of one core time for others.
 */
export const dataBytesPerSecond = 4 * MiB

/** Refused upgrades per second and address; beyond it 429 takes the place of the reason. A good key is not held up. */
export const upgradesPerSecondPerAddress = 50

/** From upgrade to hello; a connection without one is closed with 4408. */
export const helloTimeoutMs = 5_000

/** The hub pings each scout this often (jittered by up to 20 %); the pong comes out of the scout's work loop. */
export const heartbeatMs = 5_000

/**
 * Silence after which either side gives the other up (hub: 4408, scout: redials). Two seconds less than a lease, and so
 * long that a hub which stood still for 20 s at the worst moment has pinged again before.
 */
export const silenceMs = 28_000

/** Bytes queued towards one scout; more closes that socket (4413) so that a stalled reader takes no memory. */
export const socketBacklogBytesMax = 256 * KiB

/** The sender of fragments waits while more than this is queued, so that heartbeats keep their turn. */
export const fragmentBacklogBytes = 64 * KiB

/**
 * After this many bytes of fragments the hub pings, and no more than twice as many are on their way unanswered: the
 * system's buffers below the socket hold megabytes that no program can see, and a heartbeat waits behind them.
 */
export const fragmentStretchBytes = 128 * KiB

/** Reconnect delay: full jitter from base, doubling, up to cap. Never gives up. */
export const reconnectBaseMs = 1_000
export const reconnectCapMs = 30_000

/** After losing a hub, the first redial is uniform over this window, so that a fleet does not return as one wave. */
export const reconnectWindowMs = 15_000

/** After 4409 (a newer session of the same scout took over) the older one waits this long before it dials again. */
export const supersededDelayMs = 60_000

/** Settlements whose acknowledgement waits for another frame; with one more a frame of its own carries them. */
export const acksHeldMax = 16

/**
 * Bytes of half-delivered bodies in all, and of one operator's scouts together. Beyond its share an operator's attempt
 * fails; beyond the whole an attempt goes back free of charge.
 */
export const assemblyBytesInAllMax = 128 * MiB
export const assemblyBytesPerOperatorMax = 32 * MiB

/** A body in fragments has this long to be complete, and its size's time at the rate; then its attempt fails. */
export const fragmentedBodyMs = 10_000
export const fragmentedBytesPerSecond = 48 * KiB

/** Upgrades with a good key per second, of all scouts and of one operator's; more are answered 429. */
export const upgradesPerSecond = 600
export const upgradesPerSecondPerOperator = 300

/**
 * A timer that fires so much later than it was due means that the process stood still and has not read what arrived
 * meanwhile: nobody was silent in that time. Far above what a busy loop takes, far below a heartbeat.
 */
export const standstillMs = 1_000

/** Whoever stood still gives its peer at least this long, a round trip, before it judges its silence. */
export const wakeGraceMs = 5_000

/** Of the time that a hub stood still, so much counts as allowance for what its scouts have sent meanwhile. */
export const standstillAllowanceMsMax = 60_000

/** The largest request that a task frame can name; what hub and scouts take is set below it, and more is 413. */
export const requestBodyBytesMax = 64 * MiB

/**
 * Of what scouts send, so many bytes are read in one turn of the loop, of which one socket has a share before the next
 * one's turn comes; each message counts as so many more, because the smallest takes time as well. The rest waits; but
 * for messages of up to `inboxLightBytes` of sockets of which nothing waits, of which as many bytes are read again.
 */
export const inboxBytesPerTurn = 512 * KiB
export const inboxShareBytes = 32 * KiB
export const inboxMessageBytes = 512
export const inboxLightBytes = 4 * KiB

/**
 * What may wait of one socket, which is what may come at once, and of all: with more the socket of which most waits is
 * closed with 4429.
 */
export const inboxBytesMax = 2 * dataBytesPerSecond + MiB
export const inboxBytesInAllMax = 96 * MiB

/** Addresses of other hubs that a welcome lists and a scout remembers; of more only the first ones. */
export const welcomeHubsMax = 16
