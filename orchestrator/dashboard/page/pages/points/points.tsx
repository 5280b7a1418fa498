/**
 * Points: what one's scouts earned and why something earned nothing, what one has to spend where requests cost points,
 * who has most in the present season, and the seasons with their signed statements. A hub that shows no points says so
 * here.
 */
import { Choices } from '../../parts/choices.tsx'
import { Empty, Fetched } from '../../parts/notice.tsx'
import { Page, Panel } from '../../parts/panel.tsx'
import { useResource } from '../../state/resource.ts'
import { go, route } from '../../state/router.ts'
import { EarningsPart } from './earnings-part.tsx'
import { Leaderboard } from './leaderboard.tsx'
import { ReceiptPart } from './receipt-part.tsx'
import { type SeasonList, Seasons } from './seasons.tsx'
import type { SpendablePoints } from './spending.ts'
import { SpendingPart } from './spending-part.tsx'

const parts = [
  ['earnings', 'Earnings'],
  ['spend', 'To spend'],
  ['leaderboard', 'Leaderboard'],
  ['seasons', 'Seasons'],
  ['receipts', 'Receipts'],
] as const

const abouts = {
  earnings:
    'What scouts earned, as the orchestrator counted it. A point is a millionth of a dollar by its price list; days ' +
    'begin at 00:00 UTC.',
  spend:
    'Requests cost here what their receipts say that they were worth, and 5 % on top. What one may cost at most ' +
    'is set aside before it begins, and the rest comes back.',
  leaderboard: 'Who has most points in the present season. Names are of those who agreed to be shown.',
  receipts: 'Every answer has a signed receipt. It says what it was worth, or why it earned nothing.',
  seasons: 'A season is a month of UTC. A week after its end it is closed, and its statement is final and signed.',
}

export function PointsPage() {
  const [first, subject] = route.value.subject
  const spendable = useResource<SpendablePoints>('/v1/points')
  // Where requests cost nothing there is nothing to spend.
  const isSpent = spendable.refusal?.status !== 404
  const shown = parts.filter(([name]) => name !== 'spend' || isSpent)
  const part = shown.find(([name]) => name === first)?.[0] ?? 'earnings'
  const fetched = useResource<SeasonList>('/v1/seasons')
  // Without points there is nothing that could be chosen.
  const isOff = fetched.refusal?.status === 404
  return (
    <Page
      title="Points"
      about={isOff ? undefined : abouts[part]}
      actions={!isOff && <Choices label="Part" options={shown} value={part} onChoose={(to) => go(`points/${to}`)} />}
    >
      {isOff ? (
        <Panel isFlush>
          <Empty icon="points" text={fetched.refusal!.message} />
        </Panel>
      ) : (
        <Fetched from={fetched}>
          {(seasons) => {
            if (part === 'earnings') return <EarningsPart seasons={seasons.data} />
            if (part === 'receipts') return <ReceiptPart id={subject ?? ''} />
            if (part === 'spend') return <SpendingPart />
            return part === 'leaderboard' ? <Leaderboard /> : <Seasons of={seasons} chosen={subject} />
          }}
        </Fetched>
      )}
    </Page>
  )
}
