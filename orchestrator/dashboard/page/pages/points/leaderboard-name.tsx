/**
 * Whether, and under which name, one agrees to be shown on the leaderboard: nobody is named unasked, and whoever was
 * can take it back.
 */
import { Field, Form } from '../../parts/form.tsx'
import { Fetched, Notice, Refused } from '../../parts/notice.tsx'
import { Panel } from '../../parts/panel.tsx'
import { ask } from '../../state/api.ts'
import { useAttempt } from '../../state/attempt.ts'
import { useResource } from '../../state/resource.ts'
import { linkTo } from '../../state/router.ts'
import type { Board } from './leaderboard.tsx'

const charsMax = 40

/** `suggested`: what the field holds where nothing was agreed to yet. */
export function LeaderboardName({ suggested }: { suggested: string }) {
  const fetched = useResource<Board>('/v1/leaderboard')
  const { attempt, refusal, isBusy } = useAttempt()
  const show = async (name: string | null) => {
    await ask('/v1/leaderboard', { method: 'PATCH', body: { name } })
    await fetched.reload()
  }
  // A hub that shows no points has no leaderboard either.
  if (fetched.refusal?.status === 404) return null
  return (
    <Panel title="Leaderboard" about="Everybody who is signed in can see the leaderboard.">
      <Fetched from={fetched} lines={2}>
        {({ name }) => (
          <>
            {name === null ? (
              <p class="soft">
                On the <a href={linkTo('points/leaderboard')}>leaderboard</a> your points are shown without a name.
              </p>
            ) : (
              <Notice level="good">
                You are shown as <strong class="name">{name}</strong> on the{' '}
                <a href={linkTo('points/leaderboard')}>leaderboard</a>.
              </Notice>
            )}
            <Form
              key={name}
              submit={name === null ? 'Show my name' : 'Change it'}
              onSubmit={(fields) => show(String(fields.get('name')).trim())}
            >
              <Field label="Name" hint={`At most ${charsMax} characters; it need not be yours.`}>
                <input class="input" name="name" required maxLength={charsMax} defaultValue={name ?? suggested} />
              </Field>
            </Form>
            {name !== null && (
              <div>
                <button type="button" class="button" disabled={isBusy} onClick={() => void attempt(() => show(null))}>
                  Show no name
                </button>
              </div>
            )}
            {refusal && <Refused refusal={refusal} />}
          </>
        )}
      </Fetched>
    </Panel>
  )
}
