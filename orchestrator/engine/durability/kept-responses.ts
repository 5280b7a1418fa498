/**
 * Responses that were answered to a client who waited, and are kept for those who come back: one row each, written when
 * the answer is whole. Responses that intents make have a row beside their intent. Nothing here is read while an answer
 * is made.
 */
import type { Fault } from '../../../shared/faults.ts'
import type { Viewer } from '../ports/intents.ts'
import type { Responses } from '../ports/responses.ts'
import type { ResponseRow, ResponseStore, StoreWrite } from '../ports/store.ts'
import { type Journal, notWritable } from './journal.ts'

export class KeptResponses implements Responses {
  constructor(
    private readonly store: ResponseStore,
    private readonly journal: Journal,
  ) {}

  keep(row: ResponseRow): Promise<boolean> {
    return this.commit({ write: 'response', row })
  }

  find(id: string, viewer: Viewer): ResponseRow | undefined {
    const row = this.store.response(id)
    return row !== undefined && (viewer === null || viewer === row.tenant) ? row : undefined
  }

  async forget(id: string): Promise<Fault | null> {
    return (await this.commit({ write: 'forgetResponse', id })) ? null : notWritable
  }

  private commit(write: StoreWrite): Promise<boolean> {
    return new Promise((resolve) => {
      this.journal.promise(
        [write],
        () => resolve(true),
        () => resolve(false),
      )
    })
  }
}
