/**
 * Model services behind a scout: how long it waits for them and how much it reads of them.
 */

const KiB = 1024
const MiB = 1024 * KiB

/**
 * From asking a provider to its first content, unless the operator says otherwise (`PROVIDER_FIRST_TOKEN_SECONDS`):
 * a large model is loaded, a reasoner thinks. Anything that the provider sends begins it anew; then `provider_timeout`.
 */
export const providerFirstTokenMs = 600_000

/**
 * A request up to this is parsed whole and sent in one piece. Of a larger one, texts and lists of numbers of
 * `longValueBytes` or more are left as they are: parsed and written again they took seven times their size. It is sent
 * in pieces of `requestPieceBytes`, on a connection of its own.
 */
export const wholeRequestBytesMax = 64 * KiB
export const longValueBytes = 256
export const requestPieceBytes = 32 * KiB

/** Silence of a provider after its first content, without so much as a comment; then `provider_timeout`. */
export const providerSilenceMs = 120_000

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

/**
 * A model that has answered lately is waited for ten times as long as it took, with its prompt's share, but never less
 * than this; one that has not is waited for `providerFirstTokenMs`: it may have to be loaded first.
 */
export const providerWarmFirstTokenMs = 120_000

/** Local servers unload a model that nobody asks for after five minutes; an older answer tells nothing. */
export const providerWarmMs = 240_000

/** Bytes of an error that are read of a provider; the rest is left unread. */
export const providerErrorBytesMax = 64 * KiB

/** Characters of a provider's reason that are passed on; the rest is cut off. */
export const providerReasonCharsMax = 500

/** Redirects on the same host that one request follows; then `provider_unavailable`. */
export const providerRedirectsMax = 3

/** Bytes of one streamed answer as the provider sends it; beyond it `answer_too_large`. */
export const providerStreamBytesMax = 64 * MiB

/** Bytes that are no answer (comments, empty events): a stock, its rate, and what each line costs beside its length. */
export const uselessBytesMax = 1 * MiB
export const uselessBytesPerSecond = 32 * KiB
export const uselessLineBytes = 64

/** Characters that a token of an answer may have on average; beyond `max_tokens` of them an answer ends as `length`. */
export const charsPerTokenMax = 64
/** Characters that an answer may have beyond that: what a service counts differently. */
export const charsBesideTokens = 16 * KiB

/** A model or an account that a request made doubtful, and that proved good, is not doubted again for this long. */
export const providerProvenMs = 60_000
