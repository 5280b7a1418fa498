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

/** A client's connection on which nothing moves is closed after this. Above `clientStallMs`, below Bun's 255 s. */
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
