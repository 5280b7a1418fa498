/**
 * The receipt of one answer, by its id: who answered with what, what it was worth, and why it earned nothing where it
 * did not. Found by the owner of the scout and by whoever asked.
 */
import { Field, Form } from '../../parts/form.tsx'
import { Fetched, Notice } from '../../parts/notice.tsx'
import { Facts, Panel } from '../../parts/panel.tsx'
import { exact, moment } from '../../state/format.ts'
import { useResource } from '../../state/resource.ts'
import { go } from '../../state/router.ts'

interface Receipt {
  sealed: boolean
  /** Absent until it is sealed. */
  says?: {
    at: number
    scout: string
    model: string
    provider: string
    prompt_units: number
    answer_units: number
    points: number
    why: string[]
    countersigned: boolean
  }
}

/** Until it is sealed. */
const refreshMs = 2_000

export function ReceiptPart({ id }: { id: string }) {
  const find = async (fields: FormData) => go(`points/receipts/${encodeURIComponent(String(fields.get('id')).trim())}`)
  return (
    <>
      <Panel title="Find a receipt">
        <Form key={id} submit="Find it" onSubmit={find}>
          <Field label="Id of the answer" hint="As chatcmpl-…, msg_… or embd-…, or the number of a task.">
            <input class="input" name="id" required defaultValue={id} />
          </Field>
        </Form>
      </Panel>
      {id !== '' && <Found id={id} />}
    </>
  )
}

function Found({ id }: { id: string }) {
  const path = `/v1/receipts/${encodeURIComponent(id)}`
  const fetched = useResource<Receipt>(path, refreshMs)
  return (
    <Fetched from={fetched}>
      {({ says }) =>
        says === undefined ? (
          <Notice>This answer has just ended: its receipt is there in a second.</Notice>
        ) : (
          <Panel title="What the receipt says">
            {says.why.map((sentence) => (
              <Notice level="warn" key={sentence}>
                It earned nothing. {sentence}
              </Notice>
            ))}
            <Facts
              of={[
                ['Points', exact(says.points)],
                ['Answered', moment(says.at)],
                ['Scout', says.scout],
                ['Model', says.model],
                ['Provider', says.provider],
                ['Units of the prompt', exact(says.prompt_units)],
                ['Units of the answer', exact(says.answer_units)],
                ['Countersigned', says.countersigned ? 'By its scout' : 'No'],
              ]}
            />
          </Panel>
        )
      }
    </Fetched>
  )
}
