/**
 * Something that a page fetches: what came, or why it did not come. A new fetch keeps what was
 * there before until it has the new, so that nothing jumps; what arrives too late for its part is dropped.
 */
import { type Signal, useSignal } from '@preact/signals'
import { useCallback, useEffect } from 'preact/hooks'
import { ask, type Refusal, refusalIn } from './api.ts'

interface Resource<T> {
  /** Null before the first has come. */
  data: T | null
  refusal: Refusal | null
}

/** `path` null: nothing is fetched. Fetched again when it changes, by `reload`, and every so many milliseconds. */
export function useResource<T>(path: string | null, everyMs?: number) {
  const state: Signal<Resource<T>> = useSignal({ data: null, refusal: null })
  const load = useCallback(
    async (signal?: AbortSignal) => {
      if (path === null) return
      try {
        const data = await ask<T>(path, signal ? { signal } : {})
        if (!signal?.aborted) state.value = { data, refusal: null }
      } catch (error) {
        if (signal?.aborted) return
        state.value = { ...state.value, refusal: refusalIn(error) }
      }
    },
    [path, state],
  )
  useEffect(() => {
    const abort = new AbortController()
    void load(abort.signal)
    const again = everyMs === undefined ? null : setInterval(() => !document.hidden && void load(abort.signal), everyMs)
    return () => {
      abort.abort()
      if (again !== null) clearInterval(again)
    }
  }, [load, everyMs])
  return { ...state.value, reload: load }
}
