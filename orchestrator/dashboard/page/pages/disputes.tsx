/**
 * Disputes about answers: those that one filed, and those about one's own scouts; how each stands, what judges said,
 * and an appeal where one is possible. Neither side is told who the other is. Administrators decide after an appeal.
 */
import { type Dispute, levelOf, mayAppeal, reasonText, stateText } from '../disputes/dispute.ts'
import { Ruling } from '../disputes/ruling.tsx'
import { Appeal } from '../parts/appeal.tsx'
import { Choices } from '../parts/choices.tsx'
import { Empty, Fetched } from '../parts/notice.tsx'
import { type Level, Page, Panel, Pill } from '../parts/panel.tsx'
import { ago, plural, shortScout } from '../state/format.ts'
import { useResource } from '../state/resource.ts'
import { linkTo, route, setQuery } from '../state/router.ts'
import { session } from '../state/session.ts'

const sides: Choice[] = [
  ['', 'Filed by you'],
  ['scouts', 'About your scouts'],
]
const allSides: Choice[] = [...sides, ['appealed', 'Appealed, of everybody']]

const paths = { '': '/v1/disputes', scouts: '/v1/me/disputes', appealed: '/v1/admin/disputes' } as const
type Which = keyof typeof paths
type Choice = [which: Which, text: string]

const refreshMs = 10_000

export function DisputesPage() {
  // The key of a scout asks for no answers, and so has none to dispute.
  const which = whichAsked(session.value?.role, route.value.query.get('of'))
  const fetched = useResource<{ data: Dispute[] }>(paths[which], refreshMs)
  const isOff = fetched.refusal?.status === 404
  return (
    <Page
      title="Disputes"
      about="Answers that somebody says do not hold. Scouts of other owners answer again, and judges compare."
      actions={
        session.value?.role !== 'scout' &&
        !isOff && (
          <Choices
            label="Which"
            options={session.value?.role === 'admin' ? allSides : sides}
            value={which}
            onChoose={(of) => setQuery({ of })}
          />
        )
      }
    >
      {isOff ? (
        <Panel isFlush>
          <Empty icon="flag" text={fetched.refusal!.message} />
        </Panel>
      ) : (
        <Fetched from={fetched}>
          {({ data }) =>
            data.length === 0 ? (
              <Nothing which={which} />
            ) : (
              data.map((dispute) => <OneDispute of={dispute} onChanged={fetched.reload} key={dispute.id} />)
            )
          }
        </Fetched>
      )}
    </Page>
  )
}

function whichAsked(role: string | undefined, of: string | null): Which {
  if (role === 'scout' || of === 'scouts') return 'scouts'
  return role === 'admin' && of === 'appealed' ? 'appealed' : ''
}

const nothing = {
  scouts: 'Nobody disputes an answer of your scouts.',
  appealed: 'Nobody has appealed: until then others decide.',
} as const

function Nothing({ which }: { which: Which }) {
  return (
    <Panel isFlush>
      {which !== '' ? (
        <Empty icon="flag" text={nothing[which]} />
      ) : (
        <Empty icon="flag" text="You dispute no answer. A flag beside each answer, here and in runs, begins it.">
          <a class="button" href={linkTo('playground')}>
            To the playground
          </a>
        </Empty>
      )}
    </Panel>
  )
}

interface OneDisputeProps {
  of: Dispute
  onChanged: () => Promise<void>
}

function OneDispute({ of: dispute, onChanged }: OneDisputeProps) {
  const { id, side, model, scout, reason, comment, filed, sentences } = dispute
  const whose = scout === null ? model : `${shortScout(scout)} with ${model}`
  return (
    <Panel
      title={whose}
      label={`${whose}, ${id}`}
      about={`“${reasonText(reason)}”, ${ago(filed)}`}
      actions={<Pill level={levelOf(dispute)}>{stateText(dispute)}</Pill>}
    >
      <div>
        {sentences.map((sentence) => (
          <p key={sentence}>{sentence}</p>
        ))}
      </div>
      {comment !== null && comment !== '' && (
        <p class="soft name">
          {side === 'admin' ? "The client's comment" : 'Your comment'}: {comment}
        </p>
      )}
      <Hearings of={dispute} />
      {mayAppeal(dispute) && (
        <Appeal
          path={`/v1/disputes/${encodeURIComponent(id)}/appeal`}
          hint="Once: more scouts answer, and others judge."
          onAppealed={onChanged}
        />
      )}
      {side === 'admin' && <Ruling of={dispute} onRuled={onChanged} />}
    </Panel>
  )
}

/** Words of judges are those of strangers' models: text, and nothing else. */
function Hearings({ of: { hearings } }: { of: Dispute }) {
  const heard = hearings.filter(({ votes }) => votes.length > 0)
  return (
    <>
      {heard.map(({ votes, reruns }, at) => (
        <details key={at}>
          <summary>
            {at === 0 ? 'What' : 'What, after the appeal,'} {plural(votes.length, 'judge')} said beside{' '}
            {plural(reruns, 'other answer')}
          </summary>
          <ul class="stack">
            {votes.map(({ against, why }, judge) => (
              <li class="row" key={judge}>
                <Pill level={voteLevel(against)}>{voteText(against)}</Pill>
                <span class="name soft">{why}</span>
              </li>
            ))}
          </ul>
        </details>
      ))}
    </>
  )
}

function voteText(against: boolean | null): string {
  if (against === null) return 'does not count'
  return against ? 'against it' : 'for it'
}

function voteLevel(against: boolean | null): Level {
  if (against === null) return ''
  return against ? 'bad' : 'good'
}
