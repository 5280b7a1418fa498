/**
 * What holds for the whole hub: who may sign up.
 */
import { useSignal } from '@preact/signals'
import { Field, Form, Select } from '../../parts/form.tsx'
import { Fetched, Notice } from '../../parts/notice.tsx'
import { Panel } from '../../parts/panel.tsx'
import { ask } from '../../state/api.ts'
import { useResource } from '../../state/resource.ts'

interface HubSettings {
  signup: 'off' | 'approve' | 'open'
}

const modes = [
  ['off', 'nobody; add addresses yourself'],
  ['approve', 'ask, and wait for an approval'],
  ['open', 'come in at once'],
] as const

export function Settings() {
  const fetched = useResource<HubSettings>('/v1/admin/settings')
  const isSaved = useSignal(false)
  const save = async (fields: FormData) => {
    await ask('/v1/admin/settings', { method: 'PATCH', body: { signup: String(fields.get('signup')) } })
    await fetched.reload()
    isSaved.value = true
  }
  return (
    <Fetched from={fetched}>
      {({ signup }) => (
        <Panel title="Sign-up" about="What a wallet that nobody has added may do.">
          <Form submit="Save" onSubmit={save}>
            <Field label="New accounts">
              <Select name="signup" key={signup} options={modes} initial={signup} />
            </Field>
          </Form>
          {isSaved.value && <Notice level="good">Saved.</Notice>}
        </Panel>
      )}
    </Fetched>
  )
}
