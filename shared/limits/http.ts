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

/** How often connections that wait for a whole answer are exempted from that; at most half of it, so none is missed. */
export const waitSweepMs = 30_000

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

/** Strings, names, lists and objects of a request's JSON, and values in all; more is 400, before it is parsed. */
export const jsonNodesMax = 65_536
export const jsonValuesMax = 1_048_576

/** The same for a connection without a good key so far: nothing else bounds how many of those there are. */
export const strangerIdleMs = 10_000

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
