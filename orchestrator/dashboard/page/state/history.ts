/**
 * The series of the charts: fetched whole for a span, then continued by the live feed, two seconds at a time, where the
 * span is that fine. Fetched anew now and then, so that gaps of the feed close.
 */
import { useMemo } from 'preact/hooks'
import { useTopic } from './live.ts'
import { useResource } from './resource.ts'

export type Span = '10m' | '24h' | '30d'

type SeriesName = 'requests' | 'client_errors' | 'hub_errors' | 'tokens' | 'first_content_p50' | 'first_content_p95'
type StateName = 'queued' | 'leased' | 'scouts'
export type Series = Record<SeriesName | StateName, (number | null)[]>

interface History {
  start: number
  step_ms: number
  series: Series
}

const refetchMs = 60_000

/** Null before the first has come. */
export function useHistory(span: Span) {
  const fetched = useResource<History>(`/v1/history?span=${span}`, refetchMs)
  const newest = useTopic('traffic').value
  // What came since the fetch, in order; the fetch itself begins it anew.
  const added = useMemo(() => [] as { at: number; sample: Record<string, number | null> }[], [fetched.data])
  if (newest !== null && newest.at !== null && newest.sample !== null && added.at(-1)?.at !== newest.at) {
    added.push({ at: newest.at, sample: newest.sample })
  }
  const { data } = fetched
  const isFine = data !== null && data.step_ms <= 2_000
  const known = useMemo(
    () => (data === null ? null : continued(data, isFine ? added : [])),
    [data, isFine ? newest?.at : null],
  )
  return { ...fetched, known }
}

type Added = { at: number; sample: Record<string, number | null> }[]

/** Slots that are shown at least, also of a hub that has just started. */
const slotsMin = 30

function continued({ start, step_ms: stepMs, series }: History, added: Added) {
  const step = stepMs / 1_000
  const length = series.requests.length
  const end = start + length * step
  const news = added.filter(({ at }) => at >= end)
  const times = [...Array.from({ length }, (_, at) => start + at * step), ...news.map(({ at }) => at)]
  const columns = Object.entries(series).map(([name, values]) => {
    return [name, [...values, ...news.map(({ sample }) => sample[name] ?? null)]] as const
  })
  // What came before this hub started is no part of the picture.
  const known = times.findIndex((_, at) => columns.some(([, values]) => values[at] !== null))
  const from = Math.max(news.length, Math.min(Math.max(0, known), times.length - slotsMin))
  const lines = columns.map(([name, values]) => [name, values.slice(from)] as const)
  return { times: times.slice(from), series: Object.fromEntries(lines) as Series }
}
