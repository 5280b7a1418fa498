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

/** One of the charts' quarters of an hour. */
export interface HistoryRow {
  /** Its number since 1970. */
  slot: number
  /** JSON of an object of numbers; whose names they are is the charts' to say. */
  sample: string
}

/** What one scout served in one day. */
export interface ServedDay {
  /** Number of the day since 1970, of UTC. */
  day: number
  /** Attempts that ended with an answer, and those that failed for which the scout is to blame. */
  done: number
  failed: number
  /** Read and written, as believed; what it wrote where nobody counted. */
  tokens: number
  /** From the grants to the ends of what is done; tasks at the same time count each. */
  busyMs: number
}

/** For charts and the pages of scouts. */
export interface ReportReads {
  /** Oldest first, from this slot on. */
  history(fromSlot: number): HistoryRow[]
  /** Oldest first, from this day on; nothing for an unknown scout. */
  servedDays(scout: string, fromDay: number): ServedDay[]
  /** Removes up to `limit` quarters older than one, and as many days of scouts. Returns how many rows went. */
  forgetReports(beforeSlot: number, beforeDay: number, limit: number): number
}

/** For budgets and reports. */
export interface UsageReads {
  /** Newest first; those of one time by tenant, key and model. */
  usagePoints(filter: UsageFilter): UsagePoint[]
  /** By day from this one on: of one key of a tenant, or of all its keys. */
  usageOfDays(tenant: string, key: string | null, fromDay: number): UsageOfDay[]
  /** The last day on which each key of a tenant was used, from this day on; in no order. */
  lastUses(tenant: string, fromDay: number): { key: string; day: number }[]
  /** Removes up to `limit` hours older than one, and as many days. Returns how many rows went. */
  forgetUsage(beforeHour: number, beforeDay: number, limit: number): number
}
