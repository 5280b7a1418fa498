/**
 * A button that appeals, once: what it asks for, what that leads to, and why it was refused. For disputes and
 * convictions.
 */
import { ask } from '../state/api.ts'
import { useAttempt } from '../state/attempt.ts'
import { Refused } from './notice.tsx'

interface AppealProps {
  path: string
  body?: object
  /** What follows, behind the button. */
  hint: string
  isSmall?: boolean
  onAppealed: () => Promise<void>
}

export function Appeal({ path, body = {}, hint, isSmall = false, onAppealed }: AppealProps) {
  const { attempt, refusal, isBusy } = useAttempt()
  const appeal = () =>
    attempt(async () => {
      await ask(path, { method: 'POST', body })
      await onAppealed()
    })
  return (
    <div class="stack">
      {refusal && <Refused refusal={refusal} />}
      <div class="row">
        <button
          type="button"
          class={isSmall ? 'button small' : 'button'}
          disabled={isBusy}
          onClick={() => void appeal()}
        >
          Appeal
        </button>
        <span class="faint small">{hint}</span>
      </div>
    </div>
  )
}
