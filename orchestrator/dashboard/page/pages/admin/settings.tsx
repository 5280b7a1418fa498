/**
 * What holds for the whole hub: who may sign up.
 */

import { Field, Form } from '../../parts/form.tsx'
import { Fetched } from '../../parts/notice.tsx'
import { Panel } from '../../parts/panel.tsx'
import { ask } from '../../state/api.ts'
import { useResource } from '../../state/resource.ts'

interface HubSettings {
  signup: 'off' | 'approve' | 'open'
}

export function Settings() {
  const fetched = useResource<HubSettings>('/v1/admin/settings')
  const save = async (fields: FormData) => {
    await ask('/v1/admin/settings', { method: 'PATCH', body: { signup: String(fields.get('signup')) } })
    await fetched.reload()
  }
  return (
    <Fetched from={fetched}>
      {({ signup }) => (
        <Panel title="Sign-up" about="What a wallet that nobody has added may do.">
          <Form submit="Save" onSubmit={save}>
            <Field label="New accounts">
              <select class="input" name="signup" key={signup} defaultValue={signup}>
                <option value="off">nobody; add addresses yourself</option>
                <option value="approve">ask, and wait for an approval</option>
                <option value="open">come in at once</option>
              </select>
            </Field>
          </Form>
        </Panel>
      )}
    </Fetched>
  )
}
