/**
 * Usage on a MemoryDisk: bookings, the sums for ever, and the sums by key, model, hour and day, with the reads of
 * reports and budgets.
 */
import { usageSumMax } from '../../../shared/limits/answers.ts'
import { isTokenCount, type StoreWriteOf, type UsageSum } from '../../engine/ports/store.ts'
import {
  hourMs,
  type UsageFilter,
  type UsageOfDay,
  type UsagePoint,
  type UsageReads,
  type UsageTally,
} from '../../engine/ports/usage.ts'
import { type MemoryDisk, usageKey } from './disk.ts'
import { put, type Undo } from './undo.ts'

const hoursPerDay = 24

export const usageWrites = {
  usage(disk: MemoryDisk, { usage }: StoreWriteOf<'usage'>, undo: Undo): void {
    if (disk.bookings.has(usage.task) || !isBookable(usage)) return leftOut(disk, undo)
    put(disk.bookings, usage.task, { ...usage }, undo)
    const { tenant, key, model, promptTokens, completionTokens, microDollars, isEstimated, atMs } = usage
    const amounts = { promptTokens, completionTokens, microDollars }
    const counted = { tasks: 1, failed: 0, estimated: isEstimated ? 1 : 0 }
    addUsage(disk, { hour: Math.floor(atMs / hourMs), tenant, key, model, ...counted, ...amounts }, undo)
  },
  tally(disk: MemoryDisk, { tally }: StoreWriteOf<'tally'>, undo: Undo): void {
    if (!isBookable(tally)) return leftOut(disk, undo)
    addUsage(disk, tally, undo)
  },
}

function addUsage(disk: MemoryDisk, tally: UsageTally, undo: Undo): void {
  if (tally.tasks > 0) addSum(disk, tally, undo)
  const { hour, ...counts } = tally
  addPoint(disk.usageHours, { ...counts, start: hour }, undo)
  addPoint(disk.usageDays, { ...counts, start: Math.floor(hour / hoursPerDay) }, undo)
}

function addSum(disk: MemoryDisk, { tenant, model, ...more }: UsageTally, undo: Undo): void {
  const sum = disk.usageSums.get(usageKey({ tenant, model }))
  const added: UsageSum = {
    tenant,
    model,
    tasks: Math.min(usageSumMax, (sum?.tasks ?? 0) + more.tasks),
    promptTokens: Math.min(usageSumMax, (sum?.promptTokens ?? 0) + more.promptTokens),
    completionTokens: Math.min(usageSumMax, (sum?.completionTokens ?? 0) + more.completionTokens),
  }
  put(disk.usageSums, usageKey(added), added, undo)
}

const counts = ['tasks', 'failed', 'promptTokens', 'completionTokens', 'microDollars', 'estimated'] as const

function addPoint(points: Map<string, UsagePoint>, more: UsagePoint, undo: Undo): void {
  const name = JSON.stringify([more.start, more.tenant, more.key, more.model])
  const known = points.get(name)
  const added = { ...more }
  for (const count of counts) added[count] = Math.min(usageSumMax, (known?.[count] ?? 0) + more[count])
  put(points, name, added, undo)
}

function isBookable(numbers: Pick<UsageTally, 'promptTokens' | 'completionTokens' | 'microDollars'>): boolean {
  const { promptTokens, completionTokens, microDollars } = numbers
  return [promptTokens, completionTokens, microDollars].every(isTokenCount)
}

function leftOut(disk: MemoryDisk, undo: Undo): void {
  disk.unbooked++
  undo.push(() => disk.unbooked--)
}

export function usageReads(disk: MemoryDisk): UsageReads {
  return {
    usagePoints: (filter) => pointsOf(disk, filter),
    usageOfDays: (tenant, key, fromDay) => daysOf(disk, tenant, key, fromDay),
    lastUses: (tenant, fromDay) => lastUses(disk, tenant, fromDay),
    forgetUsage: (beforeHour, beforeDay, limit) =>
      forgetOld(disk.usageHours, beforeHour, limit) + forgetOld(disk.usageDays, beforeDay, limit),
  }
}

function pointsOf(disk: MemoryDisk, filter: UsageFilter): UsagePoint[] {
  const { by, tenant, from, to, key, model, after, limit } = filter
  const all = by === 'day' ? disk.usageDays : disk.usageHours
  const found = [...all.values()].filter((point) => {
    const isInside = point.start >= from && point.start <= to && (tenant === null || point.tenant === tenant)
    const isMeant = (key === undefined || point.key === key) && (model === undefined || point.model === model)
    return isInside && isMeant && (after === undefined || newestFirst(after, point) < 0)
  })
  return found
    .sort(newestFirst)
    .slice(0, limit)
    .map((point) => ({ ...point }))
}

type Place = Pick<UsagePoint, 'start' | 'tenant' | 'key' | 'model'>

function newestFirst(one: Place, other: Place): number {
  if (one.start !== other.start) return other.start - one.start
  for (const field of ['tenant', 'key', 'model'] as const) {
    if (one[field] !== other[field]) return one[field] < other[field] ? 1 : -1
  }
  return 0
}

function daysOf(disk: MemoryDisk, tenant: string, key: string | null, fromDay: number): UsageOfDay[] {
  const days = new Map<number, UsageOfDay>()
  for (const point of disk.usageDays.values()) {
    if (point.tenant !== tenant || point.start < fromDay || (key !== null && point.key !== key)) continue
    const sum = days.get(point.start) ?? { day: point.start, tokens: 0, microDollars: 0 }
    sum.tokens = Math.min(usageSumMax, sum.tokens + point.promptTokens + point.completionTokens)
    sum.microDollars = Math.min(usageSumMax, sum.microDollars + point.microDollars)
    days.set(point.start, sum)
  }
  return [...days.values()].sort((one, other) => one.day - other.day)
}

function lastUses(disk: MemoryDisk, tenant: string, fromDay: number): { key: string; day: number }[] {
  const last = new Map<string, number>()
  for (const { tenant: whose, key, start } of disk.usageDays.values()) {
    if (whose === tenant && start >= fromDay) last.set(key, Math.max(start, last.get(key) ?? start))
  }
  return [...last].map(([key, day]) => ({ key, day }))
}

function forgetOld(points: Map<string, UsagePoint>, before: number, limit: number): number {
  const old = [...points]
    .filter(([, { start }]) => start < before)
    .sort(([, one], [, other]) => one.start - other.start)
  const gone = old.slice(0, limit)
  for (const [name] of gone) points.delete(name)
  return gone.length
}
