/**
 * What processes have cost, from /proc: processor time and resident memory, summed over all that are named. The load
 * generator reads them at both ends of its window, so that time and tasks are counted over the same moments.
 */
import { readFileSync } from 'node:fs'

/** Linux counts in hundredths of a second, whatever its kernel's tick is. */
const usPerTick = 10_000

/** Processor time of these processes since their start, in microseconds; a process that is gone counts as nothing. */
export function cpuUs(pids: readonly number[]): number {
  let ticks = 0
  for (const pid of pids) {
    // The name in brackets may hold spaces; the fields behind it do not.
    const fields = read(pid, 'stat').split(') ').at(-1)!.split(' ')
    ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0)
  }
  return ticks * usPerTick
}

/** Resident memory of these processes, in MB (10^6 bytes). */
export function rssMb(pids: readonly number[]): number {
  let kib = 0
  for (const pid of pids) kib += Number(/^VmRSS:\s+(\d+)/m.exec(read(pid, 'status'))?.[1] ?? 0)
  return (kib * 1024) / 1e6
}

/** Descriptors one process may open. */
export function descriptorLimit(): number {
  return Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? 1_024)
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}
