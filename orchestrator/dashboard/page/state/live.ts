/**
 * The live feed of this tab: one stream for all topics that mounted parts want, open only while the tab is visible.
 * When the hub has no stream left, the topics are polled. Lost feeds keep their last figures, with the time they are
 * from.
 */
import { type ReadonlySignal, signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { ask, eventsOf, Refusal, send, strangerAnswers } from './api.ts'

/** What each topic says; see `GET /v1/live`. */
export interface Topics {
  hub: { ready: boolean; scouts: number; models: number; queued: number; leased: number; credits: number }
  /** `at`: when the slot began, seconds since 1970. */
  traffic: { at: number | null; sample: Record<string, number | null> | null }
  mine: { requests: number; last: LastAnswer | null }
  attention: { findings: Finding[] }
}

interface LastAnswer {
  at: number
  route: string
  status: number
  duration_ms: number
  served: { scout: string; provider: string; model: string } | null
}

export interface Finding {
  level: 'bad' | 'warn'
  problem: string
  remedy: string
  page: string
  action: string
}

const retryMs = 2_000
const pollMs = 10_000

const values = {
  hub: signal<Topics['hub'] | null>(null),
  traffic: signal<Topics['traffic'] | null>(null),
  mine: signal<Topics['mine'] | null>(null),
  attention: signal<Topics['attention'] | null>(null),
}
/** Since when the figures are not followed any more; null while they are, or nobody wants any. */
export const lostAt = signal<number | null>(null)
/** When something came last; null before the first. */
let heardAt: number | null = null

const wanted = new Map<keyof Topics, number>()
let stream: AbortController | null = null
let watched = ''

/** The newest of a topic; null before the first. Mounting asks for it, unmounting gives it up. */
export function useTopic<Name extends keyof Topics>(name: Name): ReadonlySignal<Topics[Name] | null> {
  useEffect(() => {
    wanted.set(name, (wanted.get(name) ?? 0) + 1)
    follow()
    return () => {
      const left = wanted.get(name)! - 1
      if (left === 0) wanted.delete(name)
      else wanted.set(name, left)
      follow()
    }
  }, [name])
  return values[name] as ReadonlySignal<Topics[Name] | null>
}

/** Forgets everything, as somebody else may sign in next; what is still wanted then is followed anew. */
export function forgetLive(): void {
  for (const value of Object.values(values)) value.value = null
  stream?.abort()
  stream = null
  heardAt = null
  follow()
}

document.addEventListener('visibilitychange', follow)

/** Makes the stream carry what is wanted now. Mounts and unmounts of one turn count as one change. */
function follow(): void {
  queueMicrotask(() => {
    const topics = document.hidden ? '' : [...wanted.keys()].sort().join(',')
    if (topics === watched && stream !== null) return
    stream?.abort()
    stream = null
    watched = topics
    if (topics === '') {
      lostAt.value = null
      return
    }
    stream = new AbortController()
    void run(topics, stream.signal)
  })
}

async function run(topics: string, until: AbortSignal): Promise<void> {
  while (!until.aborted) {
    let waitMs = retryMs
    try {
      const path = `/v1/live?topics=${topics}`
      const response = await send(path, { headers: { accept: 'text/event-stream' }, signal: until })
      lostAt.value = null
      for await (const { type, data } of eventsOf(response)) take(type, JSON.parse(data) as object)
    } catch (error) {
      if (until.aborted) return
      if (error instanceof Refusal && error.status === 429) waitMs = await poll(topics, until)
      else if (error instanceof Refusal && [401, 403].includes(error.status)) {
        // Whoever may not watch this any more has other rights than this page thinks.
        if (error.status === 403) strangerAnswers.value++
        return
      }
    }
    if (until.aborted) return
    if (waitMs === retryMs) lostAt.value ??= heardAt ?? Date.now()
    await new Promise((resolve) => setTimeout(resolve, waitMs))
  }
}

async function poll(topics: string, until: AbortSignal): Promise<number> {
  const all = await ask<Record<string, object>>(`/v1/live?topics=${topics}`, { signal: until }).catch(() => null)
  if (all === null) return retryMs
  lostAt.value = null
  for (const [name, value] of Object.entries(all)) take(name, value)
  return pollMs
}

function take(name: string, value: object): void {
  if (!Object.hasOwn(values, name)) return
  heardAt = Date.now()
  values[name as keyof Topics].value = value as never
}
