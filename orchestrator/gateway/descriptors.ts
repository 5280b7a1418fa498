/**
 * How many sockets this process can hold. At the descriptor limit itself Bun spins at full load without accepting, so
 * the hub stops well before it.
 */
import { readFileSync } from 'node:fs'
import { clientDescriptorShare, descriptorShare, descriptorsReserved } from '../../shared/limits/process.ts'

/** Assumed where the limit cannot be read. */
const descriptorsAssumed = 10_240

/** Read once: the limit of a running process does not change, and every request is held against it. */
const descriptors = descriptorLimit()
const clientRequestsMin = Math.floor(descriptors * clientDescriptorShare)

export function connectionsMax(): number {
  return Math.floor(descriptors * descriptorShare)
}

/** Requests that may be under way while scouts leave `room` for more connections: a full fleet shuts no client out. */
export function requestsMax(room: number): number {
  return Math.max(room - descriptorsReserved, clientRequestsMin)
}

function descriptorLimit(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8')
    const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1]
    return soft === undefined ? descriptorsAssumed : Number(soft)
  } catch {
    return descriptorsAssumed
  }
}
