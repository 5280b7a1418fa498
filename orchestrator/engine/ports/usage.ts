/**
 * What was used of the hub, as the store keeps it: single bookings of durable tasks, sums for ever, and sums by key,
 * model, hour and day for as long as anybody asks for them. The journal writes, budgets and reports read.
 */

export const hourMs = 3_600_000

/** What one key used of one model in one hour. */
export interface UsageTally {
  /** Number of the hour since 1970, of UTC. */
  hour: number
  tenant: string
  /** The id of the key that asked. */
  key: string
  /** Who served; empty for what nobody had taken. */
  model: string
  /** Tasks that were charged, and those that failed. */
  tasks: number
  failed: number
  promptTokens: number
  completionTokens: number
  /** Millionths of a US dollar. */
  microDollars: number
  /** Those of the tasks of which no provider counted the tokens. */
  estimated: number
}

type Booking = Omit<UsageTally, 'hour' | 'tasks' | 'failed' | 'estimated'> & { atMs: number; isEstimated: boolean }

/** What the booking of one task adds to the sums. */
export function tallyOf(usage: Booking): UsageTally {
  const { tenant, key, model, promptTokens, completionTokens, microDollars, isEstimated, atMs } = usage
  const hour = Math.floor(atMs / hourMs)
  const counts = { tasks: 1, failed: 0, estimated: isEstimated ? 1 : 0 }
  return { hour, tenant, key, model, promptTokens, completionTokens, microDollars, ...counts }
}

/** What all keys together used, of one kind of task. */
export interface UsedTotals {
  promptTokens: number
  completionTokens: number
  microDollars: number
  /** Tasks of which no provider counted the tokens. */
  estimated: number
}

/** What one key used of one model in one day or hour. `start`: the number of the day, or of the hour, since 1970. */
export interface UsagePoint extends Omit<UsageTally, 'hour'> {
  start: number
}

export interface UsageFilter {
  by: 'day' | 'hour'
  /** null for all, for administrators. */
  tenant: string | null
  /** Numbers of days or hours, both included. */
  from: number
  to: number
  key?: string
  model?: string
  /** The last row that was seen. */
  after?: Pick<UsagePoint, 'start' | 'tenant' | 'key' | 'model'>
  limit: number
}

/** What a key, or a tenant, used in one day. */
export interface UsageOfDay {
  day: number
  tokens: number
  microDollars: number
}

/** For budgets and reports. */
export interface UsageReads {
  /** Newest first; those of one time by tenant, key and model. */
  usagePoints(filter: UsageFilter): UsagePoint[]
  /** By day from this one on: of one key of a tenant, or of all its keys. */
  usageOfDays(tenant: string, key: string | null, fromDay: number): UsageOfDay[]
  /** Removes up to `limit` hours older than one, and as many days. Returns how many rows went. */
  forgetUsage(beforeHour: number, beforeDay: number, limit: number): number
}
