/**
 * Work that one hub does for another. Frames, bodies and credits have the bounds of scouts (`wire.ts`).
 */

const KiB = 1024
const MiB = 1024 * KiB

/** Frames towards one hub are sent with the end of the turn that made them, or once they are so many bytes. */
export const linkBatchBytesMax = 128 * KiB

/** A link that broke is opened anew after this long, while both hubs are there. */
export const linkRetryMs = 1_000

/** Credits, offers and signs of life towards other hubs are looked at this often. */
export const linkLookMs = 500

/** A task without a sign for so long gets one: less than what a hub waits for the first. */
export const linkSignMs = 3_000

/** Of the free credits of a hub's scouts, what all other hubs together may use; the rest waits for its own clients. */
export const creditShareOfPeers = 0.5

/** Requests of one hub that have not arrived whole; a task beyond is handed back. */
export const linkRequestBytesMax = 64 * MiB

/** A hub stands for many scouts: its frames and bytes per second are so many times those of one. */
export const linkAllowanceFactor = 16
