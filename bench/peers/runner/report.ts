/**
 * From rounds to figures: medians over a peer's rounds, the table a person reads, and the JSON the docs are made from.
 * Ratios are always against this project's own hub in the same run; above 1 means that the hub does better.
 */
import { ourName, type Peer, peers } from './catalogue.ts'
import type { Round, RoundSettings } from './stage.ts'

export interface PeerRow {
  peer: string
  title: string
  kind: Peer['kind']
  workers: number
  inFlight: number
  tasksPerSecond: number
  serverCpuUsPerTask: number
  /** The same at the fixed rate; null when no such window was asked for, or it could not keep up with that rate. */
  pacedCpuUsPerTask: number | null
  serverRssMb: number
  p50Ms: number
  p99Ms: number
  /** What the two other sides cost on the same cores. */
  workerCpuUsPerTask: number
  loadCpuUsPerTask: number
  connectMs: number
  failures: number
  /** Our tasks/s over theirs, their CPU over ours; null when our hub was not in the run. */
  speedRatio: number | null
  cpuRatio: number | null
  /** Tasks/s of each round, to show how steady they were. */
  rounds: number[]
  /** Why it holds fewer workers than were asked for; empty when it does not. */
  limitedBy: string
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const upper = sorted[sorted.length >> 1]!
  return sorted.length % 2 === 1 ? upper : (upper + sorted[(sorted.length >> 1) - 1]!) / 2
}

function rounded(value: number, digits = 1): number {
  return Number(value.toFixed(digits))
}

function tasksPerSecond({ tasks, windowMs }: Round): number {
  return (tasks * 1_000) / windowMs
}

/** Of what was asked for, and as far as rows are made of it. */
type Asked = Pick<RoundSettings, 'workers' | 'inFlight' | 'windowMs' | 'pacedPerSecond'>

/** A server that answers less than this share of a fixed rate is full, and its cost is that of another load. */
const keptUpShare = 0.95

function rowOf(peer: Peer, rounds: Round[], asked: Asked): PeerRow {
  const over = (value: (round: Round) => number) => median(rounds.map(value))
  const perTask = (value: (round: Round) => number) => rounded(over((round) => value(round) / round.tasks))
  const { workers } = rounds[0]!
  const pacedLeast = Math.max(1, (keptUpShare * asked.pacedPerSecond * asked.windowMs) / 1_000)
  return {
    peer: peer.name,
    title: peer.title,
    kind: peer.kind,
    workers,
    inFlight: asked.inFlight,
    tasksPerSecond: Math.round(over(tasksPerSecond)),
    serverCpuUsPerTask: perTask(({ serverCpuUs }) => serverCpuUs),
    pacedCpuUsPerTask: rounds.some(({ pacedTasks }) => pacedTasks < pacedLeast)
      ? null
      : rounded(over(({ pacedTasks, pacedServerCpuUs }) => pacedServerCpuUs / pacedTasks)),
    serverRssMb: rounded(over(({ serverRssMb }) => serverRssMb)),
    p50Ms: rounded(
      over(({ p50Ms }) => p50Ms),
      2,
    ),
    p99Ms: rounded(
      over(({ p99Ms }) => p99Ms),
      2,
    ),
    workerCpuUsPerTask: perTask(({ workerCpuUs }) => workerCpuUs),
    loadCpuUsPerTask: perTask(({ loadCpuUs }) => loadCpuUs),
    connectMs: Math.round(over(({ connectMs }) => connectMs)),
    failures: rounds.reduce((sum, { failures }) => sum + failures, 0),
    speedRatio: null,
    cpuRatio: null,
    rounds: rounds.map((round) => Math.round(tasksPerSecond(round))),
    limitedBy: workers < asked.workers ? peer.limitedBy || 'the descriptors of one process' : '',
  }
}

/** One row for each peer that finished at least one round, in the catalogue's order. */
export function rowsOf(played: Map<string, Round[]>, asked: Asked): PeerRow[] {
  const rows = peers
    .filter(({ name }) => (played.get(name)?.length ?? 0) > 0)
    .map((peer) => rowOf(peer, played.get(peer.name)!, asked))
  const ours = rows.find(({ peer }) => peer === ourName)
  if (ours === undefined) return rows
  return rows.map((row) => ({
    ...row,
    speedRatio: rounded(ours.tasksPerSecond / row.tasksPerSecond, 2),
    cpuRatio: rounded(row.serverCpuUsPerTask / ours.serverCpuUsPerTask, 2),
  }))
}

/** Processor time of server and workers for one task: what it costs all who run a part of it. */
export function wholeCpuUs({ serverCpuUsPerTask, workerCpuUsPerTask }: PeerRow): number {
  return serverCpuUsPerTask + workerCpuUsPerTask
}

/** In tables, where a limit stands among contenders. */
export function titleOf({ title, kind }: PeerRow): string {
  return kind === 'limit' ? `limit: ${title}` : title
}

const heads = [
  'peer',
  'workers',
  'tasks/s',
  'hub vs it',
  'CPU us/task',
  'it vs hub',
  'with workers',
  'at fixed rate',
  'RSS MB',
  'p50 ms',
  'p99 ms',
]

/** A table that is readable as it stands and as Markdown. */
export function tableOf(rows: PeerRow[]): string {
  const times = (ratio: number | null) => (ratio === null ? '' : `${ratio.toFixed(2)} x`)
  const cells = rows.map((row) => [
    titleOf(row),
    String(row.workers),
    String(row.tasksPerSecond),
    times(row.speedRatio),
    row.serverCpuUsPerTask.toFixed(1),
    times(row.cpuRatio),
    wholeCpuUs(row).toFixed(1),
    row.pacedCpuUsPerTask === null ? '' : row.pacedCpuUsPerTask.toFixed(1),
    row.serverRssMb.toFixed(0),
    row.p50Ms.toFixed(1),
    row.p99Ms.toFixed(1),
  ])
  const widths = heads.map((head, column) =>
    Math.max(...[head, ...cells.map((row) => row[column]!)].map((c) => c.length)),
  )
  const line = (row: string[]) =>
    `| ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join(' | ')} |`
  const rule = `|${widths.map((width, i) => `${'-'.repeat(width + 1)}${i === 0 ? '-' : ':'}`).join('|')}|`
  return [line(heads), rule, ...cells.map(line)].join('\n')
}

/** What a reader has to know besides the figures. */
export function remarksOf(rows: PeerRow[]): string[] {
  const limited = rows.filter(({ limitedBy, workers }) => limitedBy !== '' && workers > 0)
  const failed = rows.filter(({ failures }) => failures > 0)
  return [
    ...limited.map(({ title, workers, limitedBy }) => `${title}: only ${workers} workers, because ${limitedBy}.`),
    ...failed.map(({ title, failures }) => `${title}: ${failures} requests failed; its figures count only the others.`),
  ]
}
