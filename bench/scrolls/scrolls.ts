/**
 * What a scroll costs over its critical path, and how many nodes one hub carries: 1,000 scrolls of ten nodes at the
 * same time, every commit flushed to the disk. `npm run bench:scrolls [-- --scrolls 1000 --seconds 10]`. First with
 * scouts that think for a second, then with scouts that answer at once. Ends with 1 when a target is missed.
 */
import { parseArgs } from 'node:util'
import { warmUpMs } from '../load/warm-up.ts'
import { runScrolls, type ScrollsFigures } from './run.ts'

const { values } = parseArgs({
  options: {
    scrolls: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '10' },
    think: { type: 'string', default: '1000' },
  },
})
const edgeP99MsMax = 10
const nodesPerSecondMin = 2_000

const scrolls = Number(values.scrolls)
const times = { warmUpMs, measureMs: Number(values.seconds) * 1_000 }
const fleet = { scouts: 80, concurrency: 100, perOperator: 4 }

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Of sorted times; 0 of none. */
function quantile(times: Float64Array, share: number): number {
  return times[Math.floor((times.length - 1) * share)] ?? 0
}

function row(name: string, { nodesPerSecond, scrollsDone, edgeMs, commitMs }: ScrollsFigures): void {
  const edges = [0.5, 0.99, 0.999, 1].map((share) => quantile(edgeMs, share).toFixed(1))
  const spread = [...edges, ...[0.5, 0.99, 1].map((share) => quantile(commitMs, share).toFixed(1))].join(' | ')
  print(`| ${name} | ${scrolls} | ${scrollsDone} | ${nodesPerSecond.toFixed(0)} | ${edgeMs.length} | ${spread} |`)
}

const columns = ['scouts', 'scrolls at once', 'done', 'nodes/s', 'edges', 'p50 ms', 'p99 ms', 'p99.9 ms', 'max ms']
print(`| ${[...columns, 'commit p50 ms', 'p99 ms', 'max ms'].join(' | ')} |`)
print('|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|')
const paced = await runScrolls({ ...fleet, ...times, scrolls, thinkMs: Number(values.think) })
row(`think ${values.think} ms`, paced)
const flatOut = await runScrolls({ ...fleet, ...times, scrolls, thinkMs: 0 })
row('answer at once', flatOut)

const p99Ms = quantile(paced.edgeMs, 0.99)
if (p99Ms > edgeP99MsMax) print(`The p99 of an edge is above ${edgeP99MsMax} ms.`)
if (flatOut.nodesPerSecond < nodesPerSecondMin) print(`Fewer than ${nodesPerSecondMin} nodes/s.`)
if (p99Ms > edgeP99MsMax || flatOut.nodesPerSecond < nodesPerSecondMin) process.exitCode = 1
