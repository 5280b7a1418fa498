/**
 * Follows the events of one intent into its run state: resumes where it was when the connection breaks or the tab comes
 * back, stops while the tab is hidden, and tells its view at most once a frame.
 */
import { useCallback, useEffect, useMemo, useState } from 'preact/hooks'
import { eventsOf, Refusal, send } from '../state/api.ts'
import { RunState } from './run-state.ts'

const retryMs = 1_500

export function useRun(id: string) {
  const run = useMemo(() => new RunState(), [id])
  const [refusal, setRefusal] = useState<Refusal | null>(null)
  const [, setFrame] = useState(0)
  const [again, setAgain] = useState(0)
  const [isHidden, setHidden] = useState(document.hidden)
  const last = useMemo(() => ({ id: '' }), [id])
  const onVisible = useCallback(() => setHidden(document.hidden), [])
  useEffect(() => {
    document.addEventListener('visibilitychange', onVisible)
    return () => document.removeEventListener('visibilitychange', onVisible)
  }, [onVisible])
  useEffect(() => {
    if (isHidden) return
    setRefusal(null)
    const abort = new AbortController()
    let isDue = false
    const changed = () => {
      if (isDue) return
      isDue = true
      requestAnimationFrame(() => {
        isDue = false
        setFrame((frame) => frame + 1)
      })
    }
    void follow({ id, run, last, changed, refused: setRefusal }, abort.signal)
    return () => abort.abort()
  }, [id, run, last, isHidden, again])
  return { run, refusal, followAgain: () => setAgain((count) => count + 1) }
}

interface Following {
  id: string
  run: RunState
  last: { id: string }
  changed: () => void
  refused: (refusal: Refusal) => void
}

async function follow({ id, run, last, changed, refused }: Following, until: AbortSignal): Promise<void> {
  while (!until.aborted) {
    try {
      const headers = { accept: 'text/event-stream', ...(last.id !== '' && { 'last-event-id': last.id }) }
      const response = await send(`/v1/intents/${encodeURIComponent(id)}/events`, { headers, signal: until })
      // Its reader has all there will be.
      if (response.status === 204) return
      for await (const event of eventsOf(response)) {
        last.id = event.id
        run.apply(event.type, JSON.parse(event.data) as object, Date.now())
        changed()
        if (event.type === 'done') return
      }
    } catch (error) {
      if (until.aborted) return
      if (error instanceof Refusal && isFinal(error)) return refused(error)
    }
    await new Promise((resolve) => setTimeout(resolve, retryMs))
  }
}

/** What asking again does not change; too many streams at once does. */
function isFinal({ status }: Refusal): boolean {
  return status >= 400 && status < 500 && status !== 429
}
