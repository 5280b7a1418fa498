/**
 * API keys, accounts and sign-in.
 */

/** Good keys the hub remembers between requests (200 bytes each); beyond it the oldest is looked up anew. */
export const keyCacheMax = 10_000

/** Characters of ADMIN_KEY, a credential people choose: too short is guessable, longer is refused at the start. */
export const adminKeyCharsMin = 32
export const adminKeyCharsMax = 256

/** Turns in the queue one key may get for each one of another's; outside of it making the key is 400. */
export const keyWeightMin = 0.1
export const keyWeightMax = 100

/** Models, scouts and other names in one list of a key's scopes; more is 400. */
export const scopeNamesMax = 64

/** The largest number of requests or tokens a minute, and of tokens or millionths of a dollar in a budget; else 400. */
export const limitMax = 1_000_000_000_000

/** Keys of one account that are not revoked; the next one is 403. */
export const accountKeysMax = 200

/** Rows of a list's page when nothing is said, and at most; more is 400. */
export const pageRowsDefault = 50
export const pageRowsMax = 200

/** A wallet has this long to sign a challenge; after it 401. Counted by the clock that nobody sets. */
export const challengeMs = 300_000

/** What is too old is remembered as such for as long again, so that it is told apart from what never was. */
export const challengeKeptMs = 2 * challengeMs

/** Challenges that wait (1 kB each), all and of one network address; beyond them 429 until some are over. */
export const challengesMax = 10_000
export const challengesPerAddressMax = 30

/** Tries a minute of one network address: challenges asked for; signatures, links and keys shown. Beyond them 429. */
export const challengesPerMinute = 20
export const verificationsPerMinute = 10

/** Network addresses whose tries are counted in one minute; who is beyond shares one count. */
export const triersMax = 10_000

/** Bytes of the body of a sign-in, and of what changes accounts and keys; more is 413. */
export const smallBodyBytesMax = 32 * 1024

/** A session ends when nothing was asked for this long, and at the latest so long after the sign-in. */
export const sessionIdleMs = 12 * 3_600_000
export const sessionMs = 7 * 86_400_000

/** That a session was used is written this often at most. */
export const sessionNoteMs = 600_000

/** Sessions of one account or key; with the next one the oldest ends. */
export const sessionsMax = 20

/** Sessions that the hub remembers between requests (500 bytes each); beyond it the oldest is looked up anew. */
export const sessionCacheMax = 10_000

/** A session that was last used this far in the future was so under a clock that has been set back: it is over. */
export const clockSlackMs = 60_000

/** An administrator without a wallet makes keys for this long after signing in; then 403 until the next sign-in. */
export const freshSignInMs = 900_000

/** A login link works for this long, once. */
export const loginLinkMs = 600_000

/**
 * An administrator's look at what is another tenant's is noted this often for the same subject, and so many such looks
 * are remembered (200 bytes each); with the next one the oldest is noted anew when it is repeated.
 */
export const lookNoteMs = 3_600_000
export const looksRememberedMax = 10_000

/** How soon the hub notices keys that have expired and changes of the key command: half of what a drop may take. */
export const keyWatchMs = 250

/** Rows of the audit log are kept this long, and what is over is removed this often, so many rows of a kind at once. */
export const auditMs = 400 * 86_400_000
export const signInsForgetMs = 60_000
export const signInsForgetRows = 500

/**
 * Keys, and accounts, whose use is counted in memory (about 500 bytes each). With the next one the oldest without a
 * task under way is forgotten: its budgets are read from the store again, its rates begin anew.
 */
export const limitedOwnersMax = 20_000

/** What is reserved of a budget for one request: its text's bytes by this, for each medium, and for its answer. */
export const promptBytesPerTokenReserved = 3
export const tokensPerMediumReserved = 1_000
export const answerTokensReserved = 1_024

/**
 * Price that is believed of an offer: millionths of a dollar per million tokens, above the dearest model there is. A
 * higher one counts as this, so that one scout's number cannot fill everybody's budget.
 */
export const priceMax = 1_000_000_000

/** And counts up to so many times the cheapest offer of the same model, or what is usual where that is more. */
export const priceSpreadMax = 8

/** Bytes of a whole answer for each token, where its provider did not count them. */
export const answerBytesPerTokenEstimated = 4
