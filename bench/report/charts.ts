/**
 * Charts as SVG files, made with Vega-Lite without a canvas: one per scenario that has one. READMEs are shown on white
 * and on dark pages, 700 pixels wide or less, so colours read on both and texts are large enough at that width.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, View } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'
import type { Bar, BarChart, Chart, LineChart } from '../scenarios/scenario.ts'

/** As far from white as from a dark page. */
const grey = '#747c87'
const blue = '#2f81f7'
const barColours: Record<Bar['kind'], string> = { ours: blue, other: '#9aa4b2', limit: '#c99a2e' }
const lineColours = [blue, '#3fb950', '#c99a2e']

const titlePx = 16
const textPx = 13
const namesPx = 210
const barsPx = 370
const barPx = 28
/** Room for the number behind the longest bar. */
const longestShare = 0.86

const config = {
  font: 'system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif',
  view: { stroke: null },
  axis: {
    labelColor: grey,
    titleColor: grey,
    labelFontSize: textPx,
    titleFontSize: textPx,
    titleFontWeight: 'normal',
    gridColor: '#7d859033',
    domainColor: grey,
    tickColor: grey,
  },
  legend: { labelColor: grey, labelFontSize: textPx },
  title: { color: grey, subtitleColor: grey, fontSize: titlePx, subtitleFontSize: textPx, anchor: 'start' },
} satisfies TopLevelSpec['config']

function shownNumber(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 4 })
}

/** Whether the label of an axis names one of ours, as Vega has it. */
function isOurs(bars: Bar[]): string {
  const names = bars.filter(({ kind }) => kind === 'ours').map(({ name }) => name)
  return `indexof(${JSON.stringify(names)}, datum.label) >= 0`
}

function barSpec({ title, what, groups }: BarChart): TopLevelSpec {
  const most = (bars: Bar[]) => Math.max(...bars.map(({ value }) => value)) / longestShare
  const shared = most(groups.filter(({ isApart }) => isApart !== true).flatMap(({ bars }) => bars))
  return {
    background: 'transparent',
    title: { text: title, subtitle: what, offset: 14 },
    data: { values: [] },
    config: { ...config, concat: { spacing: 14 } },
    vconcat: groups.map(({ heading, bars, isApart }) => ({
      width: barsPx,
      height: { step: barPx },
      ...(heading !== '' && { title: { text: heading, fontSize: textPx, fontWeight: 'normal', fontStyle: 'italic' } }),
      data: { values: bars.map((bar) => ({ ...bar, shown: shownNumber(bar.value) })) },
      encoding: {
        y: {
          field: 'name',
          type: 'nominal',
          sort: null,
          title: null,
          axis: {
            ...{ domain: false, ticks: false, labelPadding: 8, minExtent: namesPx, maxExtent: namesPx },
            // Without a canvas widths of texts are guessed, and guessed too wide.
            labelLimit: 2 * namesPx,
            labelFontWeight: { condition: { test: isOurs(bars), value: 'bold' }, value: 'normal' },
          },
        },
        x: {
          field: 'value',
          type: 'quantitative',
          axis: null,
          scale: { domain: [0, isApart === true ? most(bars) : shared] },
        },
      },
      layer: [
        {
          mark: { type: 'bar', cornerRadiusEnd: 3, height: { band: 0.68 } },
          encoding: {
            color: {
              field: 'kind',
              type: 'nominal',
              scale: { domain: Object.keys(barColours), range: Object.values(barColours) },
              legend: null,
            },
          },
        },
        {
          mark: { type: 'text', align: 'left', dx: 6, fontSize: textPx, color: grey },
          encoding: { text: { field: 'shown', type: 'nominal' } },
        },
      ],
    })),
  }
}

function lineSpec({ title, x, y, points, xTicks }: LineChart): TopLevelSpec {
  // A place is as far from the next one as it is times as large.
  const log = xTicks && { scale: { type: 'log' as const, nice: false }, axis: { values: [...xTicks], format: '~g' } }
  const isOne = new Set(points.map(({ series }) => series)).size === 1
  return {
    width: 550,
    height: 260,
    background: 'transparent',
    title: { text: title, offset: 14 },
    data: { values: points },
    config,
    mark: { type: 'line', point: { size: 50 }, strokeWidth: 2.5 },
    encoding: {
      x: { field: 'x', type: 'quantitative', title: x, ...log },
      y: { field: 'y', type: 'quantitative', title: y },
      color: {
        field: 'series',
        type: 'nominal',
        sort: null,
        scale: { range: lineColours },
        legend: isOne ? null : { title: null, orient: 'top' },
      },
    },
  }
}

/** The chart as SVG text. */
async function chartSvg(chart: Chart): Promise<string> {
  const spec = chart.mark === 'bar' ? barSpec(chart) : lineSpec(chart)
  const view = new View(parse(compile(spec).spec), { renderer: 'none' })
  const svg = await view.toSVG()
  view.finalize()
  return svg
}

/** Writes the chart into a folder below `docs`; returns its path from there. */
export async function writeChart(name: string, chart: Chart, folder = 'images/charts'): Promise<string> {
  const docs = join(import.meta.dirname, '..', '..', 'docs')
  mkdirSync(join(docs, folder), { recursive: true })
  const path = `${folder}/bench-${name}.svg`
  writeFileSync(join(docs, path), await chartSvg(chart))
  return path
}
