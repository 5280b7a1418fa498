/**
 * Bounds that hold whatever a stranger reports, begins or offers.
 *
 * 26. No number of a scout is booked beyond what its request and its answer can hold: not in a row, not in a sum.
 * 27. Bodies that are never finished are given back when their time or their session ends, and requests that were
 *     written ahead of a growth that never came are removed.
 * 28. Names that nobody offers and nobody waits for are forgotten.
 */

import type { CoreState } from '../../../orchestrator/core/state.ts'
import type { StoreWrite } from '../../../orchestrator/engine/ports/store.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import { autoModel } from '../../../shared/task.ts'

/** Tokens of one task: no request here names an image, and no answer is longer than a body. */
const tokensMax = bodyBytesMax

type Fail = (invariant: number, what: string) => void

export function checkNumbers(writes: readonly StoreWrite[], fail: Fail): void {
  for (const write of writes) {
    if (write.write === 'settle') check(write.promptTokens, write.completionTokens, 1)
    if (write.write === 'tally') check(write.tally.promptTokens, write.tally.completionTokens, write.tally.tasks)
  }
  function check(prompt: number, completion: number, tasks: number): void {
    for (const tokens of [prompt, completion]) {
      const isPossible = Number.isSafeInteger(tokens) && tokens >= 0 && tokens <= tasks * tokensMax
      if (!isPossible) fail(26, `${tokens} tokens are booked for ${tasks} tasks`)
    }
  }
}

/** Strangers have left, and every time has passed. */
export function checkNothingKept(state: CoreState, bytesInFlight: number, fail: Fail): void {
  if (bytesInFlight > 0) fail(27, `${bytesInFlight} bytes of unfinished answers are still held`)
  for (const { model, offerers } of state.index.entries.values()) {
    if (offerers === 0 && model !== autoModel) fail(28, `"${model}" is remembered and nobody offers it`)
  }
}
