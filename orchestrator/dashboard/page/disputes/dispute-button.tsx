/**
 * The flag on an answer: says what is wrong with it, files the dispute, and leads to how that stands.
 */
import { useSignal } from '@preact/signals'
import { Dialog } from '../parts/dialog.tsx'
import { Field, Form, Select } from '../parts/form.tsx'
import { Icon } from '../parts/icon.tsx'
import { ask } from '../state/api.ts'
import { linkTo } from '../state/router.ts'
import { type Disputable, type Dispute, reasons } from './dispute.ts'

const commentCharsMax = 500

export function DisputeButton({ of }: { of: Disputable }) {
  const isOpen = useSignal(false)
  const isFiled = useSignal(false)
  const show = (open: boolean) => () => {
    isOpen.value = open
  }
  const file = async (fields: FormData) => {
    const comment = String(fields.get('comment')).trim()
    const body = { ...of, reason: String(fields.get('reason')), ...(comment !== '' && { comment }) }
    await ask<Dispute>('/v1/disputes', { method: 'POST', body })
    isFiled.value = true
    isOpen.value = false
  }
  if (isFiled.value) {
    return (
      <span class="soft small" role="status">
        You dispute this answer: <a href={linkTo('disputes')}>see how that stands</a>.
      </span>
    )
  }
  return (
    <>
      <button type="button" class="button quiet small" onClick={show(true)}>
        <Icon name="flag" />
        Dispute this answer
      </button>
      {isOpen.value && (
        <Dialog title="Dispute this answer" onClose={show(false)}>
          <p class="soft">
            Scouts of other owners answer the same request again, judges compare, and you read their verdict. Whoever
            runs the scout sees the reason, and not who you are.
          </p>
          <Form submit="Dispute it" onCancel={show(false)} onSubmit={file}>
            <Field label="Reason">
              <Select name="reason" options={reasons} initial="wrong" />
            </Field>
            <Field label="Comment" hint={`For yourself and administrators; at most ${commentCharsMax} characters.`}>
              <textarea class="input" name="comment" maxLength={commentCharsMax} />
            </Field>
          </Form>
        </Dialog>
      )}
    </>
  )
}
