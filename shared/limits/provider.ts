/**
 * Model services behind a scout: how long it waits for them and how much it reads of them.
 */

const KiB = 1024
const MiB = 1024 * KiB

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

/** Models of a local server whose details are requested one by one; those of the rest stay unknown. */
export const detailedModelsMax = 64

/** Rows in `MODEL_NAMES`, and bytes of the file it may name; a start with more is refused. */
export const nameRowsMax = 1_000
export const nameFileBytesMax = 1 * MiB
