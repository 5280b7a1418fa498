/**
 * The constants of doubt, each with its source. A weight is the logarithm of how much more likely an outcome is when
 * the scout serves something else than when it is honest: `ln(p1 / p0)`. Honest rates (p0) are upper bounds of what
 * honest deployments show; `docs/trust/README.md` says how to measure them with real models. Everything else in trust
 * is derived from these.
 */

export const outcomes = ['pass', 'odd', 'gross', 'wrong'] as const
/** `pass` is also a probe that was answered right; `wrong` is a probe that was not. */
export type AuditOutcome = (typeof outcomes)[number]

/** How often an honest scout shows an outcome at most, and one that serves something else. */
export interface Rates {
  honest: number
  other: number
}

export type Constants = Readonly<Record<AuditOutcome, Rates>>

/**
 * An honest answer is odd in up to 4.5 of 100 audits and grossly so in 0.5, one of something else in 12 and 8. That 5 %
 * and 20 % tell an honest deployment from another one are the defaults of gonka's test (its `params.go`).
 */
export const rates: Constants = {
  pass: { honest: 0.95, other: 0.8 },
  odd: { honest: 0.045, other: 0.12 },
  gross: { honest: 0.005, other: 0.08 },
  wrong: { honest: 0.05, other: 0.2 },
}

function weigh({ honest, other }: Rates): number {
  return Math.log(other / honest)
}

export const weights: Record<AuditOutcome, number> = {
  pass: weigh(rates.pass),
  odd: weigh(rates.odd),
  gross: weigh(rates.gross),
  wrong: weigh(rates.wrong),
}

/**
 * Doubt from which a scout is watched, and at which the watch ends. gonka's H is 4 (`sprt.go`); a little more keeps
 * honest scouts below 5 % here, where what they answer as references counts, too (`bun bench trust`).
 */
export const watchedDoubt = 4.2
export const calmDoubt = 1

/** ln 10^4: from here on fresh checks decide. */
export const confirmingDoubt = Math.log(10_000)

/** Fresh checks that decide at most; an honest scout is then watched on from `watchedDoubt`. */
export const freshChecksMax = 80

/**
 * ln 1000: by Ville's inequality an honest scout reaches it in a thousandth of all confirmations, however often one
 * looks (arXiv 2006.02329).
 */
export const convictingEvidence = Math.log(1_000)

/** Repeated texts that convict at once; no honest model sends one long text to three clients' different questions. */
export const repeatsMax = 3

/** Passes that end probation (BOINC's and gonka's), and how many of an owner who was convicted of late. */
export const passesNeeded = 10
export const passesNeededAgain = 30
/** No sooner than this after the first hello. */
export const probationMs = 24 * 3_600_000
/** An owner's conviction counts for its other names for so long. */
export const convictionRememberedMs = 30 * 24 * 3_600_000

/** Shares of tasks that are audited; the least is AntSeed's (gonka's is 0.01). */
export const unprovenShare = 0.5
export const trustedShareMin = 0.02
/** Each watch doubles it, up to so many times: who was doubted once is looked at more closely. */
export const watchedFactorMax = 4
/** While fresh checks decide, every task may be one. */
export const confirmingShare = 1

/**
 * Of a scout's audits those that ask a question whose answer is known, at least, and at most where questions show more
 * than comparisons do. They tell a smaller model from a larger one three times as fast as comparisons do; comparisons
 * tell what is hidden from questions that somebody passes on, and never become more than half: honest deployments
 * differ in them.
 */
export const probeShare = 0.5
export const probeShareMax = 0.85

/** An odd outcome keeps two thirds of the passes (iExec), a gross one none (BOINC). */
export const keptAfterOdd = 2 / 3

/** A conviction lasts a day, each further one twice as long, at most 30 days. */
export const convictionMs = 24 * 3_600_000
export const convictionMsMax = 30 * 24 * 3_600_000

/** When so large a share of a model's owners is watched within a day, the model changed, not they. */
export const brakeShare = 0.2
/** Fewer owners are no sign of that, however few there are. */
export const brakeOwnersMin = 3
export const brakeWindowMs = 24 * 3_600_000

/** What doubt weighs in placement: milliseconds at `confirmingDoubt`; and of a conviction. */
export const doubtPenaltyMs = 2_000
export const convictedPenaltyMs = 60_000
