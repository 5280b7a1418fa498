/**
 * Where disputes are kept: one row each, and beside it the texts that it is about, which go sooner. The record is JSON
 * whose form is the dispute desk's to know; what is counted and searched by stands beside it. Part of the Store port:
 * each write has its condition.
 */

export interface DisputeRow {
  /** `dsp_…`. */
  id: string
  /** The task whose answer is disputed; there is one dispute of it at most. */
  task: number
  /** Whose request it was. */
  tenant: string
  /** Whose scout answered. */
  operator: string
  state: string
  /** What was decided last; null before. */
  verdict: string | null
  /** Milliseconds since 1970. */
  filedMs: number
  changedMs: number
  /** JSON of an object. */
  record: string
}

export type DisputeWrite =
  /** A new one, with its texts. There must be none of this id, and none of this task. */
  | { write: 'dispute'; row: DisputeRow; texts: Uint8Array }
  /**
   * It goes on: it must be in state `from`. `texts` replaces those that are kept, null removes them; absent, they stay.
   */
  | {
      write: 'disputeMove'
      id: string
      from: string
      to: Pick<DisputeRow, 'state' | 'verdict' | 'changedMs' | 'record'>
      texts?: Uint8Array | null
    }

export interface DisputeStore {
  dispute(id: string): DisputeRow | undefined
  /** The one about this task. */
  disputeOf(task: number): DisputeRow | undefined
  /** The newest ones, newest first. */
  disputes(limit: number): DisputeRow[]
  /** Those that are not in state `final`, whatever their age, oldest first. */
  openDisputes(limit: number): DisputeRow[]
  disputeTexts(id: string): Uint8Array | undefined
  /** Removes up to `limit` that are `final` and were changed before this time. Returns how many went. */
  forgetDisputes(changedMs: number, limit: number): number
}
