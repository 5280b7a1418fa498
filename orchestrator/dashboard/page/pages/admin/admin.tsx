/**
 * What an administrator sets: accounts and their limits, who may sign up, and the record of who changed what.
 */

import { Choices } from '../../parts/choices.tsx'
import { Notice } from '../../parts/notice.tsx'
import { Page } from '../../parts/panel.tsx'
import { go, route } from '../../state/router.ts'
import { isAdmin } from '../../state/session.ts'
import { Accounts } from './accounts.tsx'
import { Audit } from './audit.tsx'
import { Settings } from './settings.tsx'

const parts = [
  ['accounts', 'Accounts'],
  ['settings', 'Settings'],
  ['audit', 'Audit'],
] as const

export function AdminPage() {
  const part = parts.find(([name]) => name === route.value.subject[0])?.[0] ?? 'accounts'
  if (!isAdmin.value) return <Notice level="warn">This page is for administrators.</Notice>
  return (
    <Page
      title="Admin"
      actions={<Choices label="Part" options={parts} value={part} onChoose={(to) => go(`admin/${to}`)} />}
    >
      {part === 'accounts' ? <Accounts /> : part === 'settings' ? <Settings /> : <Audit />}
    </Page>
  )
}
