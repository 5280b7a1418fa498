/**
 * Which writes are part of an intent's life, so that another hub can go on with it, and to which intent each belongs.
 * Bookings stay with the hub that made them; so does what says how this process fares. A receipt stays too, and is only
 * written where the settlement is that it belongs to. Pure.
 */
import type { StoreWrite } from '../ports/store.ts'

/** Whether this write belongs to the life of an intent. */
export function travels(write: StoreWrite): boolean {
  switch (write.write) {
    case 'response':
      return write.row.intent !== null
    case 'intent':
    case 'lease':
    case 'release':
    case 'settle':
    case 'decide':
    case 'expand':
    case 'requestsAhead':
    case 'forgetRequestsAhead':
    case 'retry':
    case 'unblock':
    case 'end':
    case 'intentEnd':
    case 'event':
    case 'forgetIntent':
      return true
    default:
      return false
  }
}

/** Whether this write is only made while its intent is this hub's. */
export function isBound(write: StoreWrite): boolean {
  return write.write === 'earned' || travels(write)
}

/** The intent of a write that is bound. `intentOf`: that of a task; undefined for one that nobody works on. */
export function intentOfWrite(write: StoreWrite, intentOf: (task: number) => string | undefined): string | undefined {
  switch (write.write) {
    case 'intent':
      return write.intent.id
    case 'event':
      return write.event.intent
    case 'response':
      return write.row.intent ?? undefined
    case 'requestsAhead':
    case 'forgetRequestsAhead':
    case 'retry':
    case 'intentEnd':
    case 'forgetIntent':
      return write.intent
    case 'lease':
    case 'release':
    case 'settle':
    case 'decide':
    case 'expand':
    case 'unblock':
    case 'end':
      return intentOf(write.task)
    case 'earned':
      return intentOf(write.earned.task)
    default:
      return undefined
  }
}
