/**
 * The figures the core works by. Production uses the defaults from `shared/limits/`; tests and the simulator shorten
 * or stretch them. All durations are milliseconds.
 */
import * as schedulingLimits from '../../shared/limits/scheduling.ts'
import * as wireLimits from '../../shared/limits/wire.ts'

export interface CoreSettings {
  leaseTtlMs: number
  leaseGraceMs: number
  attemptsMax: number
  returnsMax: number
  elsewhereMs: number
  secondOpinionMs: number
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
  /** How long a lost scout may take to come back, before its task may end another one. */
  returnWindowMs: number
  readyTasksMax: number
  readyTasksPerTenantMax: number
  modelGraceMs: number
  modelWaitMs: number
  /** 0 on a first start, when no fleet can be on its way back. */
  bootGraceMs: number
  creditMax: number
  recordsMax: number
  recordsPerOperatorMax: number
  modelsMax: number
  modelsPerOwnerMax: number
  committedKept: number
}

export const defaultCoreSettings: CoreSettings = {
  leaseTtlMs: schedulingLimits.leaseTtlMs,
  leaseGraceMs: schedulingLimits.leaseGraceMs,
  attemptsMax: schedulingLimits.attemptsMax,
  returnsMax: schedulingLimits.returnsMax,
  elsewhereMs: schedulingLimits.elsewhereMs,
  secondOpinionMs: schedulingLimits.secondOpinionMs,
  retryBaseMs: schedulingLimits.retryBaseMs,
  retryCapMs: schedulingLimits.retryCapMs,
  cancelResendMs: schedulingLimits.cancelResendMs,
  queueTimeoutMs: schedulingLimits.queueTimeoutMs,
  firstSignMs: schedulingLimits.firstSignMs,
  firstSignMsPerKiB: schedulingLimits.firstSignMsPerKiB,
  firstContentMs: schedulingLimits.firstContentMs,
  contentSilenceMs: schedulingLimits.contentSilenceMs,
  hedgeSamplesMin: schedulingLimits.hedgeSamplesMin,
  hedgeAfterMinMs: schedulingLimits.hedgeAfterMinMs,
  migrationsMax: schedulingLimits.migrationsMax,
  resumeWindowMs: schedulingLimits.resumeWindowMs,
  returnWindowMs: wireLimits.reconnectWindowMs,
  readyTasksMax: schedulingLimits.readyTasksMax,
  readyTasksPerTenantMax: schedulingLimits.readyTasksPerTenantMax,
  modelGraceMs: schedulingLimits.modelGraceMs,
  modelWaitMs: schedulingLimits.modelWaitMs,
  bootGraceMs: schedulingLimits.bootGraceMs,
  creditMax: wireLimits.concurrencyMax,
  recordsMax: schedulingLimits.recordsMax,
  recordsPerOperatorMax: schedulingLimits.recordsPerOperatorMax,
  modelsMax: schedulingLimits.modelsMax,
  modelsPerOwnerMax: schedulingLimits.modelsPerOwnerMax,
  committedKept: schedulingLimits.committedKept,
}
