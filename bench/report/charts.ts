/**
 * Charts as SVG files, made with Vega-Lite without a canvas: one per scenario that has one. Colours read on white and
 * on dark pages alike, because READMEs are shown on both.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, View } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'
import type { Chart } from '../scenarios/scenario.ts'

const grey = '#7d8590'
const colours = ['#9aa4b2', '#2f81f7', '#3fb950', '#d29922']

/** The chart as SVG text. */
async function chartSvg({ title, mark, x, y, points }: Chart): Promise<string> {
  const isBar = mark === 'bar'
  const xIsNumber = points.every((point) => typeof point.x === 'number')
  const severalPerX = isBar && new Set(points.map((point) => point.x)).size < points.length
  const oneSeries = new Set(points.map(({ series }) => series)).size === 1
  const spec: TopLevelSpec = {
    width: 420,
    height: 240,
    background: 'transparent',
    title: { text: title, color: grey, anchor: 'start' },
    data: { values: points },
    mark: isBar ? { type: 'bar', cornerRadiusEnd: 3 } : { type: 'line', point: true, strokeWidth: 2.5 },
    encoding: {
      x: { field: 'x', type: xIsNumber ? 'quantitative' : 'nominal', title: x, sort: null, axis: { labelAngle: 0 } },
      y: { field: 'y', type: 'quantitative', title: y },
      color: {
        field: 'series',
        type: 'nominal',
        sort: null,
        scale: { range: oneSeries ? colours.slice(1) : colours },
        legend: oneSeries ? null : { title: null },
      },
      ...(severalPerX && { xOffset: { field: 'series', sort: null } }),
    },
    config: {
      view: { stroke: null },
      axis: { labelColor: grey, titleColor: grey, gridColor: '#7d859033', domainColor: grey, tickColor: grey },
      legend: { labelColor: grey },
    },
  }
  const view = new View(parse(compile(spec).spec), { renderer: 'none' })
  const svg = await view.toSVG()
  view.finalize()
  return svg
}

/** Writes the chart below `docs/images`; returns its path from `docs`. */
export async function writeChart(name: string, chart: Chart): Promise<string> {
  const docs = join(import.meta.dirname, '..', '..', 'docs')
  mkdirSync(join(docs, 'images'), { recursive: true })
  const path = `images/bench-${name}.svg`
  writeFileSync(join(docs, path), await chartSvg(chart))
  return path
}
