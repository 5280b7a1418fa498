/**
 * Where somebody tries the hub out: a chat, and an editor for scrolls; each can show itself as code.
 */

import { Choices } from '../../parts/choices.tsx'
import { Page } from '../../parts/panel.tsx'
import { go, route } from '../../state/router.ts'
import { Chat } from './chat.tsx'
import { ScrollEditor } from './scroll-editor.tsx'

const kinds = [
  ['chat', 'Chat'],
  ['scroll', 'Scroll'],
] as const

export function PlaygroundPage() {
  const kind = route.value.subject[0] === 'scroll' ? 'scroll' : 'chat'
  return (
    <Page
      title="Playground"
      about="Whoever runs the scout can read this."
      actions={<Choices label="Kind" options={kinds} value={kind} onChoose={(to) => go(`playground/${to}`)} />}
    >
      {kind === 'chat' ? <Chat /> : <ScrollEditor />}
    </Page>
  )
}
