/**
 * A chart: its newest figure, its lines, and the same as a table for those who want numbers. The drawing is loaded with
 * the first chart; until then, and without it, the table says all there is.
 */
import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { Icon } from '../parts/icon.tsx'
import { dayText, moment, shownDay } from '../state/format.ts'
import { theme } from '../state/theme.ts'
import type { Lines, Plot } from './plot.ts'

interface ChartProps {
  title: string
  /** What each line is. */
  names: string[]
  times: number[]
  lines: (number | null)[][]
  format: (value: number) => string
  /** As of `Lines`; false when absent. */
  isWhole?: boolean
  isDaily?: boolean
  /** What the newest figure is of, where that is not plainly now. */
  newestOf?: string
}

export function Chart({ title, names, times, lines, format, isWhole = false, isDaily = false, newestOf }: ChartProps) {
  const showsTable = useSignal(false)
  const newest = lines[0]?.findLast((value) => value !== null) ?? null
  return (
    <figure class="panel chart" aria-label={title}>
      <figcaption class="chart-head">
        <h3>{title}</h3>
        <strong>
          {newestOf !== undefined && <small>{newestOf} </small>}
          {newest === null ? '–' : format(newest)}
        </strong>
      </figcaption>
      {showsTable.value ? (
        <ChartTable {...{ title, names, times, lines, format, isDaily }} />
      ) : (
        <Drawing {...{ times, lines, format, title, isWhole, isDaily }} />
      )}
      <div class="chart-foot">
        <div class="legend">
          {names.map((name, at) => (
            <span class={`series-${at + 1}`} key={name}>
              <i />
              {name}
            </span>
          ))}
        </div>
        <button
          type="button"
          class="button quiet small"
          aria-pressed={showsTable.value}
          aria-label={`${title} as a table`}
          onClick={() => {
            showsTable.value = !showsTable.value
          }}
        >
          <Icon name={showsTable.value ? 'chart' : 'table'} />
        </button>
      </div>
    </figure>
  )
}

function Drawing({ times, lines, format, title, isWhole, isDaily }: Lines & { title: string }) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<Plot | null>(null)
  const newest = useRef<Lines>({ times, lines, format, isWhole, isDaily })
  newest.current = { times, lines, format, isWhole, isDaily }
  const dark = theme.value
  useEffect(() => {
    let isGone = false
    const observer = new ResizeObserver(() => plot.current?.resize())
    import('./plot.ts').then(
      ({ drawPlot }) => {
        if (isGone || place.current === null) return
        plot.current = drawPlot(place.current, newest.current)
        observer.observe(place.current)
      },
      // Without the drawing there is the table.
      () => {},
    )
    return () => {
      isGone = true
      observer.disconnect()
      plot.current?.destroy()
      plot.current = null
    }
  }, [dark, lines.length])
  useEffect(() => {
    plot.current?.set(newest.current)
  }, [times, ...lines])
  return <div class="chart-plot" ref={place} role="img" aria-label={`${title}; the button below shows the numbers`} />
}

/** Rows that a table of a chart has at most; of more, the newest. */
const rowsMax = 60

function ChartTable({ title, names, times, lines, format, isDaily }: ChartProps) {
  const rows = times.map((time, at) => ({ time, values: lines.map((line) => line[at] ?? null) }))
  const known = rows.filter(({ values }) => values.some((value) => value !== null))
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a long table is scrolled by keyboard as well
    <section class="chart-plot chart-table" tabIndex={0} aria-label={`${title}, numbers`}>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">{isDaily ? 'Day' : 'Time'}</th>
            {names.map((name) => (
              <th scope="col" class="right" key={name}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {known
            .slice(-rowsMax)
            .reverse()
            .map(({ time, values }) => (
              <tr key={time}>
                <td data-label={isDaily ? 'Day' : 'Time'}>
                  {isDaily ? shownDay(dayText(time * 1_000)) : moment(time)}
                </td>
                {values.map((value, at) => (
                  <td class="right" data-label={names[at]} key={names[at]}>
                    {value === null ? '–' : format(value)}
                  </td>
                ))}
              </tr>
            ))}
        </tbody>
      </table>
    </section>
  )
}
