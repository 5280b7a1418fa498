/**
 * Points that one spends on requests: how many there are, what is set aside, how what one's scouts earned becomes
 * spendable, and what changed the balance. Only where a hub has its clients pay.
 */
import { useSignal } from '@preact/signals'
import { Field, Form } from '../../parts/form.tsx'
import { Empty, Fetched, Notice, Refused } from '../../parts/notice.tsx'
import { Panel, Stats } from '../../parts/panel.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { ask } from '../../state/api.ts'
import { useAttempt } from '../../state/attempt.ts'
import { exact, plural, shownDay } from '../../state/format.ts'
import { useResource } from '../../state/resource.ts'
import { joined, type Movement, type MovementPage, type SpendablePoints } from './spending.ts'

const refreshMs = 10_000

export function SpendingPart() {
  const fetched = useResource<SpendablePoints>('/v1/points', refreshMs)
  const movements = useResource<MovementPage>('/v1/points/movements')
  /** Older ones; forgotten when the newest are fetched again. */
  const older = useSignal<MovementPage[]>([])
  const deposit = async (fields: FormData) => {
    await ask('/v1/points', { method: 'POST', body: { points: Number(fields.get('points')) } })
    older.value = []
    await Promise.all([fetched.reload(), movements.reload()])
  }
  return (
    <>
      <Fetched from={fetched}>{(points) => <Balance of={points} onDeposit={deposit} />}</Fetched>
      <Panel title="Movements" about="What changed your points; requests of one day are added up." isFlush>
        <Fetched from={movements}>{(newest) => <Movements newest={newest} older={older} />}</Fetched>
      </Panel>
    </>
  )
}

interface BalanceProps {
  of: SpendablePoints
  onDeposit: (fields: FormData) => Promise<void>
}

function Balance({ of: { available, reserved, earned }, onDeposit }: BalanceProps) {
  return (
    <>
      {available === 0 && (
        <Notice level="warn">
          You have no points to spend: requests that cost some are refused, and only scouts of your own answer. Points
          are earned by scouts of your own, or come from the owner of another scout or the operator of this
          orchestrator.
        </Notice>
      )}
      <Stats
        of={[
          { name: 'To spend', value: exact(available), unit: 'points' },
          { name: 'Set aside', value: exact(reserved), unit: 'for requests under way' },
          { name: 'Earned', value: exact(earned), unit: 'that you can make spendable' },
        ]}
      />
      {earned > 0 && (
        <Panel
          title="Spend what you earned"
          about="Points that are made spendable are no part of their season any more, and cannot be put back."
        >
          <Form key={earned} submit="Make spendable" onSubmit={onDeposit}>
            <Field label="Points" hint={`Up to ${exact(earned)}.`}>
              <input class="input" name="points" type="number" required min={1} step={1} defaultValue={earned} />
            </Field>
          </Form>
        </Panel>
      )}
    </>
  )
}

interface MovementsProps {
  newest: MovementPage
  older: { value: MovementPage[] }
}

function Movements({ newest, older }: MovementsProps) {
  const { attempt, refusal, isBusy } = useAttempt()
  const pages = [newest, ...older.value]
  const { next } = pages.at(-1)!
  const rows = joined(pages)
  const goOn = async () => {
    const page = await ask<MovementPage>(`/v1/points/movements?before=${next}`)
    older.value = [...older.value, page]
  }
  return (
    <>
      {rows.length === 0 ? (
        <Empty icon="points" text={next === null ? 'Nothing has moved yet.' : 'Nothing has moved lately.'} />
      ) : (
        <Table caption="Movements" small="table" columns={columns} rows={rows} rowKey={({ day, kind }) => day + kind} />
      )}
      {(next !== null || refusal !== null) && (
        <div class="panel-body">
          {refusal && <Refused refusal={refusal} />}
          {next !== null && (
            <button type="button" class="button" disabled={isBusy} onClick={() => void attempt(goOn)}>
              Look further back
            </button>
          )}
        </div>
      )}
    </>
  )
}

const words: Record<string, string> = {
  deposit: 'Earned points that were made spendable',
  grant: 'Given by the operator of this orchestrator',
  pledge: 'Pledged in disputes',
  return: 'Pledges that came back',
  repay: 'Spent on answers that did not hold, and given back',
  revoke: 'Taken back by the operator of this orchestrator',
}

function said({ kind, count }: Movement): string {
  return kind === 'spend' ? plural(count, 'request') : (words[kind] ?? kind)
}

const columns: Column<Movement>[] = [
  { name: 'Day', isLead: true, cell: ({ day }) => shownDay(day) },
  { name: 'What', cell: said },
  { name: 'Points', isNumber: true, cell: ({ points }) => (points > 0 ? `+${exact(points)}` : exact(points)) },
]
