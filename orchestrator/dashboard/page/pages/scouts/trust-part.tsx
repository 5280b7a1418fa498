/**
 * What checks of answers found out about scouts: each with each of its models, in words, the gravest first; for an
 * administrator with their doubts, and how many checks there are. Single checks are never shown, nobody is to recognise
 * them. Whoever runs a convicted scout may appeal here.
 */
import { Appeal } from '../../parts/appeal.tsx'
import { Empty, Fetched, Notice } from '../../parts/notice.tsx'
import { Panel, Pill, Stats } from '../../parts/panel.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { ago, count, dollars, percent, shortScout } from '../../state/format.ts'
import { useResource } from '../../state/resource.ts'
import { isAdmin } from '../../state/session.ts'
import { modeTexts, type ScoutTrust, type TrustList, trustLevels } from './trust.ts'

const refreshMs = 15_000

const trustPath = () => (isAdmin.value ? '/v1/trust' : '/v1/me/trust')

export function TrustPart() {
  const fetched = useResource<TrustList>(trustPath(), refreshMs)
  return (
    <Fetched from={fetched}>
      {({ mode, data, more, audits }) => (
        <>
          <p class="soft">{modeTexts[mode]}</p>
          {audits && <Audits of={audits} />}
          <Panel isFlush>
            {data.length === 0 ? (
              <Empty icon="admin" text={mode === 'off' ? 'Nothing is known of any scout.' : emptyText} />
            ) : (
              <Table
                caption="Trust"
                columns={[whole(fetched.reload), ...stateColumns, ...(isAdmin.value ? doubtColumns : [])]}
                rows={data}
                rowKey={({ scout, model }) => `${scout} ${model}`}
              />
            )}
            {more > 0 && <p class="panel-body soft">{count(more)} more, of whom there is less to say.</p>}
          </Panel>
        </>
      )}
    </Fetched>
  )
}

const emptyText = 'No answer of a scout was checked yet. Checks begin by themselves when there is work.'

function Audits({ of }: { of: NonNullable<TrustList['audits']> }) {
  const { asked_24h: asked, settled_24h: settled, pending, dropped, braked } = of
  const { spent_usd_24h: spent, usd_24h_max: most } = of
  return (
    <>
      {braked.map((model) => (
        <Notice level="warn" key={model}>
          Many operators of <strong class="name">{model}</strong> came under watch at once, so nobody is convicted for
          it: the model may have changed, and not all of these people.
        </Notice>
      ))}
      <Stats
        of={[
          { name: 'Checks in 24 hours', value: count(asked) },
          { name: 'Of the tasks', value: settled === 0 ? '–' : percent(asked / settled) },
          ...(spent === null
            ? []
            : [{ name: 'Cost in 24 hours', value: dollars(spent * 1e6), unit: `of ${dollars((most ?? 0) * 1e6)}` }]),
          { name: 'Waiting', value: count(pending), unit: 'checks' },
          { name: 'Given up', value: count(dropped), unit: 'for want of room' },
        ]}
      />
    </>
  )
}

/** Of one scout, with whatever it offers; nothing where nobody checks answers, and before the first check. */
export function TrustOfScout({ id }: { id: string }) {
  const of = `${trustPath()}?${new URLSearchParams({ scout: id })}`
  const { data: list, reload } = useResource<TrustList>(of, refreshMs)
  if (list === null || list.mode === 'off' || list.data.length === 0) return null
  return (
    <Panel title="Trust" about={modeTexts[list.mode]} isFlush>
      <Table
        caption="Trust"
        columns={[model(reload), ...stateColumns]}
        rows={list.data}
        rowKey={({ model }) => model}
      />
    </Panel>
  )
}

type Reload = () => Promise<void>

function Words({ of, onAppealed }: { of: ScoutTrust; onAppealed: Reload }) {
  return (
    <>
      <ul class="verdict-list">
        {of.sentences.map((sentence) => (
          <li class="name" key={sentence}>
            {sentence}
          </li>
        ))}
      </ul>
      {of.appeal === 'possible' && !isAdmin.value && (
        <Appeal
          path={`/v1/trust/${encodeURIComponent(of.scout)}/appeal`}
          body={{ model: of.model }}
          hint="Once for this conviction: fresh checks decide anew."
          isSmall
          onAppealed={onAppealed}
        />
      )}
    </>
  )
}

const stateColumns: Column<ScoutTrust>[] = [
  { name: 'State', isShort: true, cell: ({ state }) => <Pill level={trustLevels[state]}>{state}</Pill> },
  { name: 'Checks', isNumber: true, isMinor: true, cell: ({ checks }) => count(checks) },
  { name: 'Failed', isNumber: true, cell: ({ failed }) => count(failed) },
  { name: 'Since', isNumber: true, cell: ({ since }) => ago(since) },
]

const model = (reload: Reload): Column<ScoutTrust> => ({
  ...{ name: 'Model', isLead: true },
  cell: (trust) => (
    <>
      <strong class="name">{trust.model}</strong>
      <Words of={trust} onAppealed={reload} />
    </>
  ),
})

const whole = (reload: Reload): Column<ScoutTrust> => ({
  ...{ name: 'Scout', isLead: true },
  cell: (trust) => (
    <>
      <span class="name" title={trust.scout}>
        <strong>{shortScout(trust.scout)}</strong> <span class="faint">with {trust.model}</span>
      </span>
      <Words of={trust} onAppealed={reload} />
    </>
  ),
})

const doubtColumns: Column<ScoutTrust>[] = [
  { name: 'Doubt', isNumber: true, cell: ({ doubt }) => String(doubt) },
  { name: 'Owner', isMinor: true, cell: ({ owner }) => <code class="id small">{owner}</code> },
]
