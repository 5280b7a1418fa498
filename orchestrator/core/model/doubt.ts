/**
 * A scout's verdict that a task can never be done, while it waits for a second one from another operator. Made and
 * judged by `task/second-opinion.ts`, kept in the task.
 */
import type { Fault } from '../../../shared/faults.ts'

export interface Doubt {
  scout: string
  operator: string
  /** What it was asked to serve the task with. */
  model: string
  /** Its words, which the client hears if nobody contradicts them. */
  fault: Fault
}
