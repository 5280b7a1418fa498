/**
 * The roster of a network of hubs, and the signed messages between them.
 */

const KiB = 1024
const MiB = 1024 * KiB

/** Letters, digits and dashes in a hub's name: it stands in subjects, keys of buckets and names of tenants. */
export const hubNameCharsMax = 32

/** Characters of a hub's address; a longer one is refused. */
export const hubUrlCharsMax = 256

/** Authorities of one roster; proposing one more is refused. A hub keeps state of a few kB for each of the others. */
export const authoritiesMax = 64

/** Epochs of a roster's history, all of which a new hub verifies (0.1 ms a signature); then found a network anew. */
export const rosterEpochsMax = 1_000

/** Bytes of a file with the roster's history, looked at before it is parsed; more is refused. */
export const rosterFileBytesMax = 8 * MiB

/** Bytes of the subject that a message was published under. */
export const hubSubjectBytesMax = 255

/**
 * Messages in a second whose signatures do not hold and are looked at, for 0.1 ms each. What comes after them is
 * dropped unseen until the second is over: who can write to the servers can stop hubs from talking, not from working.
 */
export const forgedPerSecondMax = 200

/**
 * Messages of one hub in a second that are looked at, for 45 us each: several times what it takes to fill a link in
 * both directions. What comes after them is dropped unseen until the second is over, which breaks its links.
 */
export const believedPerSecondMax = 8_192

/** Messages by which one may arrive late and still count; what is older was replayed, or is as good as lost. */
export const replayWindowMessages = 1_024
