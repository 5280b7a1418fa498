/**
 * The connection of a hub to the servers that carry messages between hubs.
 */

const KiB = 1024
const MiB = 1024 * KiB

/** Bytes of one message between hubs, envelope included; NATS refuses more than 1 MiB unless told otherwise. */
export const hubMessageBytesMax = 256 * KiB

/** Bytes published that the server has not confirmed; with more, messages are refused and their sender is told. */
export const busBacklogBytesMax = 8 * MiB

/** A connection that could not be made, or that was lost, is tried again this often. */
export const busRetryMs = 1_000

/** Until a server has answered a dial; a later answer is not waited for. */
export const busDialMs = 5_000

/** A server that answers neither of two pings this far apart is given up, and another one is dialled. */
export const busPingMs = 5_000
