/**
 * How the hub is: one sentence first, then what needs somebody, each with its remedy and where to go, then the charts.
 * An operator sees findings about the whole fleet; everybody sees whether requests will be answered.
 */
import { useSignal } from '@preact/signals'
import { Chart } from '../charts/chart.tsx'
import { Choices } from '../parts/choices.tsx'
import { Pending, Refused } from '../parts/notice.tsx'
import { Page, Panel, Stats } from '../parts/panel.tsx'
import { count, milliseconds, plural, rate } from '../state/format.ts'
import { type Series, type Span, useHistory } from '../state/history.ts'
import { type Finding, type Topics, useTopic } from '../state/live.ts'
import { linkTo } from '../state/router.ts'
import { isAdmin } from '../state/session.ts'

export function OverviewPage() {
  const hub = useTopic('hub').value
  return (
    <Page title="Overview">
      {isAdmin.value ? <OperatorVerdict hub={hub} /> : <Verdict findings={[]} hub={hub} />}
      <Stats
        of={[
          { name: 'Scouts', value: shown(hub?.scouts) },
          { name: 'Models', value: shown(hub?.models) },
          { name: 'At work', value: shown(hub?.leased), unit: 'tasks' },
          { name: 'Waiting', value: shown(hub?.queued), unit: 'tasks' },
          { name: 'Room for', value: shown(hub?.credits), unit: 'more' },
        ]}
      />
      <TrafficCharts />
    </Page>
  )
}

function shown(value: number | undefined): string {
  return value === undefined ? '–' : count(value)
}

function OperatorVerdict({ hub }: { hub: Topics['hub'] | null }) {
  const attention = useTopic('attention').value
  return <Verdict findings={attention?.findings ?? []} hub={attention === null ? null : hub} />
}

function Verdict({ findings, hub }: { findings: Finding[]; hub: Topics['hub'] | null }) {
  if (hub === null) return <Pending lines={1} />
  const isBad = findings.some(({ level }) => level === 'bad') || hub.scouts === 0 || !hub.ready
  return (
    <div class="stack">
      <p class="verdict" role="status">
        <span class={`dot ${isBad ? 'bad' : findings.length > 0 ? 'warn' : 'good'}`} />
        {sentence(findings.length, hub)}
      </p>
      {findings.length > 0 && (
        <Panel isFlush>
          <ul class="findings" aria-label="Needs attention">
            {findings.map((finding) => (
              <FindingRow finding={finding} key={finding.problem} />
            ))}
          </ul>
        </Panel>
      )}
      {findings.length === 0 && hub.scouts === 0 && (
        <div>
          <a class="button primary" href={linkTo('connect/scout')}>
            Connect a scout
          </a>
        </div>
      )}
    </div>
  )
}

function FindingRow({ finding: { level, problem, remedy, page, action } }: { finding: Finding }) {
  return (
    <li>
      <div>
        <span class={`dot ${level}`} />
        <p>
          <strong>{problem}</strong>
          <span class="soft">{remedy}</span>
        </p>
      </div>
      {/* What helps is not always elsewhere. */}
      {page !== 'overview' && (
        <a class="button small" href={`#${page}`}>
          {action}
        </a>
      )}
    </li>
  )
}

function sentence(findings: number, { ready, scouts, models }: Topics['hub']): string {
  if (!ready) return 'The orchestrator takes no new requests: it starts or stops.'
  if (scouts === 0) return 'Nobody can answer yet.'
  const who = scouts === 1 ? '1 scout answers' : `${count(scouts)} scouts answer`
  const what = plural(models, 'model')
  if (findings === 0) return `All is well: ${who} for ${what}.`
  return findings === 1 ? 'One thing needs attention.' : `${findings} things need attention.`
}

/** How long it takes until a span has its first point. */
const firstPoints: Record<Span, string> = { '10m': 'two seconds', '24h': 'a minute', '30d': 'a quarter of an hour' }

const spans = [
  ['10m', '10 minutes'],
  ['24h', '24 hours'],
  ['30d', '30 days'],
] as const satisfies readonly (readonly [Span, string])[]

interface ChartRow {
  title: string
  lines: (keyof Series)[]
  names: string[]
  format: (value: number) => string
  isWhole?: boolean
}

const perSecond = (value: number) => `${rate(value)}/s`
const charts: ChartRow[] = [
  { title: 'Requests', lines: ['requests'], names: ['per second'], format: perSecond },
  {
    ...{ title: 'First content', lines: ['first_content_p50', 'first_content_p95'] },
    ...{ names: ['median', '95th percentile'], format: milliseconds, isWhole: true },
  },
  {
    title: 'Errors',
    lines: ['client_errors', 'hub_errors'],
    names: ["the client's", 'on this side'],
    format: perSecond,
  },
  { title: 'Tasks', lines: ['leased', 'queued'], names: ['at work', 'waiting'], format: count, isWhole: true },
  { title: 'Tokens', lines: ['tokens'], names: ['charged per second'], format: perSecond },
  { title: 'Scouts', lines: ['scouts'], names: ['connected'], format: count, isWhole: true },
]

function TrafficCharts() {
  const span = useSignal<Span>('10m')
  const { known, refusal, reload } = useHistory(span.value)
  return (
    <section class="stack" aria-label="Charts">
      <div class="row spread">
        <h2>Traffic</h2>
        <Choices
          label="Period"
          options={spans}
          value={span.value}
          onChoose={(value) => {
            span.value = value
          }}
        />
      </div>
      {refusal && <Refused refusal={refusal} retry={() => void reload()} />}
      {known !== null && isEmpty(known.series) && (
        <p class="soft">
          Nothing was measured in this period yet: its first point comes within {firstPoints[span.value]}.
        </p>
      )}
      {known === null ? (
        refusal === null && <Pending lines={4} />
      ) : (
        <div class="charts">
          {charts.map(({ title, names, lines, format, isWhole = false }) => (
            <Chart
              key={title}
              {...{ title, names, format, isWhole }}
              times={known.times}
              lines={lines.map((name) => known.series[name])}
            />
          ))}
        </div>
      )}
    </section>
  )
}

function isEmpty(series: Series): boolean {
  return Object.values(series).every((values) => values.every((value) => value === null))
}
