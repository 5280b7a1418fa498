/**
 * Something that a page fetches: what came, or why it did not come. A new fetch keeps what was there before until it
 * has the new, so that nothing jumps; what comes too late for its part, or after something newer, is dropped.
 */
import { type Signal, useSignal } from '@preact/signals'
import { useCallback, useEffect, useRef } from 'preact/hooks'
import { ask, type Refusal, refusalIn } from './api.ts'

interface Resource<T> {
  /** What the data came from; a failed fetch of another path leaves none of them. */
  path: string | null
  /** Null before the first has come. */
  data: T | null
  refusal: Refusal | null
}

/** Fetches of one part: which was begun last, which of them is shown, and how many are under way. */
interface Fetches {
  begun: number
  shown: number
  open: number
  path: string | null
}

/** `path` null: nothing is fetched. Fetched again when it changes, by `reload`, and every so many milliseconds. */
export function useResource<T>(path: string | null, everyMs?: number) {
  const state: Signal<Resource<T>> = useSignal({ path: null, data: null, refusal: null })
  const { current: fetches } = useRef<Fetches>({ begun: 0, shown: 0, open: 0, path })
  fetches.path = path
  const load = useCallback(
    async (signal?: AbortSignal) => {
      if (path === null) return
      const number = ++fetches.begun
      const isLate = () => signal?.aborted === true || fetches.path !== path || number < fetches.shown
      fetches.open++
      try {
        const data = await ask<T>(path, signal ? { signal } : {})
        if (isLate()) return
        fetches.shown = number
        state.value = { path, data, refusal: null }
      } catch (error) {
        if (isLate()) return
        const known = state.value.path === path ? state.value.data : null
        state.value = { path, data: known, refusal: refusalIn(error) }
      } finally {
        fetches.open--
      }
    },
    [path, state, fetches],
  )
  useEffect(() => {
    const abort = new AbortController()
    void load(abort.signal)
    // An orchestrator that takes longer than that is not asked more often than it answers.
    const tick = () => !document.hidden && fetches.open === 0 && void load(abort.signal)
    const again = everyMs === undefined ? null : setInterval(tick, everyMs)
    return () => {
      abort.abort()
      if (again !== null) clearInterval(again)
    }
  }, [load, everyMs, fetches])
  const { data, refusal } = state.value
  return { data, refusal, reload: load }
}
