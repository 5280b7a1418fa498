/**
 * The figures the core works by. Production uses the defaults from `shared/limits.ts`; tests and the simulator shorten
 * or stretch them. All durations are milliseconds.
 */
import * as limits from '../../shared/limits.ts'

export interface CoreSettings {
  leaseTtlMs: number
  leaseGraceMs: number
  attemptsMax: number
  returnsMax: number
  elsewhereMs: number
  retryBaseMs: number
  retryCapMs: number
  cancelResendMs: number
  queueTimeoutMs: number
  firstSignMs: number
  firstSignMsPerKiB: number
  firstContentMs: number
  contentSilenceMs: number
  hedgeSamplesMin: number
  hedgeAfterMinMs: number
  migrationsMax: number
  resumeWindowMs: number
  readyTasksMax: number
  readyTasksPerTenantMax: number
  modelGraceMs: number
  /** 0 on a first start, when no fleet can be on its way back. */
  bootGraceMs: number
  creditMax: number
  recordsMax: number
  committedKept: number
}

export const defaultCoreSettings: CoreSettings = {
  leaseTtlMs: limits.leaseTtlMs,
  leaseGraceMs: limits.leaseGraceMs,
  attemptsMax: limits.attemptsMax,
  returnsMax: limits.returnsMax,
  elsewhereMs: limits.elsewhereMs,
  retryBaseMs: limits.retryBaseMs,
  retryCapMs: limits.retryCapMs,
  cancelResendMs: limits.cancelResendMs,
  queueTimeoutMs: limits.queueTimeoutMs,
  firstSignMs: limits.firstSignMs,
  firstSignMsPerKiB: limits.firstSignMsPerKiB,
  firstContentMs: limits.firstContentMs,
  contentSilenceMs: limits.contentSilenceMs,
  hedgeSamplesMin: limits.hedgeSamplesMin,
  hedgeAfterMinMs: limits.hedgeAfterMinMs,
  migrationsMax: limits.migrationsMax,
  resumeWindowMs: limits.resumeWindowMs,
  readyTasksMax: limits.readyTasksMax,
  readyTasksPerTenantMax: limits.readyTasksPerTenantMax,
  modelGraceMs: limits.modelGraceMs,
  bootGraceMs: limits.bootGraceMs,
  creditMax: limits.concurrencyMax,
  recordsMax: limits.recordsMax,
  committedKept: limits.committedKept,
}
