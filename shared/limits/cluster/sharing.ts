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

/**
 * A hub that is served and sends nothing for so long, not even the ping of every 5 s, has no such link: it is ended and
 * another one opened.
 */
export const linkSilenceMs = 15_000

/** A task without a sign for so long gets one: less than what a hub waits for the first. */
export const linkSignMs = 3_000

/** Of the free credits of a hub's scouts, what all other hubs together may use; the rest waits for its own clients. */
export const creditShareOfPeers = 0.5

/**
 * Of the tasks that a hub's scouts can take at once, what all other hubs together may have, waiting credits included;
 * one for each of them where that is less. The rest is its own clients', however long the others' tasks take.
 */
export const capacityShareOfPeers = 0.75

/** Requests of one hub that have not arrived whole; a task beyond is handed back. */
export const linkRequestBytesMax = 64 * MiB

/** A hub stands for many scouts: its frames and bytes per second are so many times those of one. */
export const linkAllowanceFactor = 16

/** Frames a second of a hub that has work done here, beside fragments of its requests; more ends its link. */
export const linkAskedFramesPerSecond = 12_800
