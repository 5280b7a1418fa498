/**
 * Something that a click begins: runs one at a time, and keeps why the last one was refused, for the part beside the
 * button to show. What is no refusal is a defect of this page and is shown as that, so that no promise is left alone.
 */
import { useSignal } from '@preact/signals'
import { useCallback } from 'preact/hooks'
import { type Refusal, refusalIn } from './api.ts'

export function useAttempt() {
  const refusal = useSignal<Refusal | null>(null)
  const isBusy = useSignal(false)
  /** Never rejects; what comes while another one runs is left out. Resolves with whether it was done. */
  const attempt = useCallback(
    async (work: () => Promise<unknown>): Promise<boolean> => {
      if (isBusy.value) return false
      isBusy.value = true
      refusal.value = null
      try {
        await work()
      } catch (error) {
        refusal.value = refusalIn(error)
      }
      isBusy.value = false
      return refusal.value === null
    },
    [refusal, isBusy],
  )
  return { attempt, refusal: refusal.value, isBusy: isBusy.value }
}
