/**
 * The one place that draws with uPlot: lines over time with legible axes in the colours of the theme. It is loaded when
 * the first chart appears. What is drawn, and the figures beside it, are the chart's.
 */
import UPlot from 'uplot'

export interface Lines {
  /** Seconds since 1970. */
  times: number[]
  lines: (number | null)[][]
  format: (value: number) => string
  /** Counts and milliseconds: no fractions between the lines of the grid. */
  isWhole: boolean
  /** One value for each day of UTC, wherever the reader is. */
  isDaily: boolean
}

export interface Plot {
  set(lines: Lines): void
  resize(): void
  destroy(): void
}

const axisFont = '12px Inter, system-ui, sans-serif'
/** Of the values at the left, which long ones widen. */
const leftWidth = 56
const leftPaddingPx = 12
const valueTicksPx = 44
const timeTicksPx = 76
const dayStep = 86_400
const daySteps = [1, 2, 3, 5, 7, 10, 15, 30].map((days) => days * dayStep)
/** 1, 2, 5, 10 and so on. */
const wholeSteps = Array.from({ length: 40 }, (_, at) => [1, 2, 5][at % 3]! * 10 ** Math.floor(at / 3))

export function drawPlot(place: HTMLElement, first: Lines): Plot {
  const style = getComputedStyle(document.documentElement)
  const colour = (name: string) => style.getPropertyValue(name).trim()
  let { format } = first
  const axis = { stroke: colour('--text-faint'), font: axisFont, ticks: { show: false } }
  const grid = { stroke: colour('--line'), width: 1 }
  const size = () => ({ width: Math.max(120, place.clientWidth), height: place.clientHeight })
  const options: UPlot.Options = {
    ...size(),
    padding: [8, 4, 0, 0],
    legend: { show: false },
    ...(first.isDaily && { tzDate: (seconds) => UPlot.tzDate(new Date(seconds * 1_000), 'Etc/UTC') }),
    cursor: { points: { size: 6 }, drag: { x: false, y: false } },
    scales: { y: { range: (_, min, max) => [Math.min(0, min ?? 0), top(max)] } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 32,
        gap: 8,
        space: timeTicksPx,
        ...(first.isDaily && { incrs: daySteps }),
        values: (plot, splits, _, __, step) => whole(plot, splits, clock(splits, step, first.isDaily)),
      },
      {
        ...axis,
        grid,
        size: (_, values) => widthOf(values),
        space: valueTicksPx,
        values: (_, splits) => splits.map((split) => format(split)),
        ...(first.isWhole && { incrs: wholeSteps }),
      },
    ],
    series: [
      {},
      ...first.lines.map((_, at) => {
        const stroke = colour(`--series-${at + 1}`)
        const fill = at === 0 && first.lines.length === 1 ? `${stroke}1f` : ''
        return { stroke, width: 1.75, points: { show: isAlone }, ...(fill !== '' && { fill }) }
      }),
    ],
  }
  const plot = new UPlot(options, data(first), place)
  return {
    set(lines) {
      format = lines.format
      plot.setData(data(lines))
    },
    resize: () => plot.setSize(size()),
    destroy: () => plot.destroy(),
  }
}

/** One value is no line. */
function isAlone(plot: UPlot, series: number): boolean {
  return (
    Array.from(plot.data[series]!, (value) => (value === null ? 0 : 1)).reduce<number>((sum, one) => sum + one, 0) === 1
  )
}

function data({ times, lines }: Lines): UPlot.AlignedData {
  return [times, ...lines] as UPlot.AlignedData
}

/** Never a flat chart without a scale. */
function top(max: number | null): number {
  return max === null || max <= 0 ? 1 : max * 1.12
}

const minuteStep = 60

/** What one character of a label takes, at most. */
const charPx = 7.2

function widthOf(values: readonly (string | number | null)[] | null): number {
  const longest = Math.max(0, ...(values ?? []).map((value) => String(value ?? '').length))
  return Math.max(leftWidth, Math.ceil(longest * charPx) + leftPaddingPx)
}

/** Without labels that would be cut off at the right edge. */
function whole(plot: UPlot, splits: number[], texts: string[]): string[] {
  // Not the element's width, which follows only when all sizes are found.
  const right = plot.valToPos(plot.scales.x!.max!, 'x')
  return texts.map((text, at) => (plot.valToPos(splits[at]!, 'x') + (text.length * charPx) / 2 > right ? '' : text))
}

function clock(splits: number[], step: number, isDaily: boolean): string[] {
  const isDays = step >= dayStep || isDaily
  const zone = isDaily ? ({ timeZone: 'UTC' } as const) : {}
  return splits.map((split) => {
    const date = new Date(split * 1_000)
    if (isDays) return date.toLocaleDateString(undefined, { day: 'numeric', month: 'short', ...zone })
    const seconds = step < minuteStep ? ({ second: '2-digit' } as const) : {}
    return date.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', ...seconds })
  })
}
