/**
 * The navigation: the pages that this session may use, the switch of the theme, and who is signed in.
 */
import { useSignal } from '@preact/signals'
import { Icon, type IconName, Mark } from './parts/icon.tsx'
import { Refused } from './parts/notice.tsx'
import { useAttempt } from './state/attempt.ts'
import { shortAddress } from './state/format.ts'
import { linkTo, route } from './state/router.ts'
import { isInNetwork, type Session, session, signOut } from './state/session.ts'
import { choice, turnTheme } from './state/theme.ts'

interface Entry {
  page: string
  text: string
  icon: IconName
}

const daily: Entry[] = [
  { page: 'overview', text: 'Overview', icon: 'overview' },
  { page: 'connect', text: 'Connect', icon: 'connect' },
  { page: 'playground', text: 'Playground', icon: 'play' },
  { page: 'intents', text: 'Intents', icon: 'runs' },
]
const managed: Entry[] = [
  { page: 'scouts', text: 'Scouts', icon: 'scouts' },
  { page: 'points', text: 'Points', icon: 'points' },
  { page: 'disputes', text: 'Disputes', icon: 'flag' },
  { page: 'keys', text: 'Keys', icon: 'key' },
  { page: 'usage', text: 'Usage', icon: 'usage' },
]
const ofNetwork: Entry[] = [{ page: 'hubs', text: 'Hubs', icon: 'hubs' }]
const administered: Entry[] = [{ page: 'admin', text: 'Admin', icon: 'admin' }]

/** The key of a scout asks for no answers. */
const ofScouts = [daily[0]!, daily[1]!, ...managed.slice(0, 4)]

function entriesOf(role: Session['role']): Entry[] {
  const more = isInNetwork.value ? ofNetwork : []
  if (role === 'scout') return [...ofScouts, ...more]
  return [...daily, ...managed, ...more, ...(role === 'admin' ? administered : [])]
}

export function Navigation() {
  const isOpen = useSignal(false)
  const { page } = route.value
  const close = () => {
    isOpen.value = false
  }
  return (
    <>
      <header class="top">
        <Brand />
        <button
          type="button"
          class="button quiet square"
          aria-expanded={isOpen.value}
          aria-controls="side"
          aria-label="Menu"
          onClick={() => {
            isOpen.value = !isOpen.value
          }}
        >
          <Icon name={isOpen.value ? 'close' : 'menu'} />
        </button>
      </header>
      <aside
        aria-label="Pages and account"
        class={`side ${isOpen.value ? 'open' : ''}`}
        id="side"
        // Also a link to where the reader is already.
        onClick={({ target }) => target instanceof Element && target.closest('a') !== null && close()}
        onKeyDown={({ key }) => key === 'Escape' && close()}
      >
        <Brand />
        {session.value !== null && (
          <nav aria-label="Pages">
            <Entries of={entriesOf(session.value.role)} current={page} />
          </nav>
        )}
        <Foot />
      </aside>
    </>
  )
}

function Brand() {
  return (
    <a class="brand" href="#welcome">
      <Mark />
      Chasm
    </a>
  )
}

function Entries({ of, current }: { of: Entry[]; current: string }) {
  // Whoever is signed in is shown the overview wherever there is nothing else.
  const shown = current === 'account' || of.some(({ page }) => page === current) ? current : 'overview'
  return (
    <>
      {of.map(({ page, text, icon }) => (
        <a key={page} class="nav-link" href={linkTo(page)} {...(page === shown && { 'aria-current': 'page' })}>
          <Icon name={icon} />
          {text}
        </a>
      ))}
    </>
  )
}

const themeIcons = { system: 'system', light: 'sun', dark: 'moon' } as const
const themeTexts = { system: 'Theme of the system', light: 'Light theme', dark: 'Dark theme' } as const

function Foot() {
  const who = session.value
  const { attempt, refusal, isBusy } = useAttempt()
  return (
    <div class="side-foot">
      {refusal && <Refused refusal={refusal} />}
      {who === null && (
        <a class="nav-link" href={linkTo('sign-in')}>
          <Icon name="key" />
          Sign in
        </a>
      )}
      <button type="button" class="nav-link" onClick={turnTheme}>
        <Icon name={themeIcons[choice.value]} />
        {themeTexts[choice.value]}
      </button>
      {who !== null && (
        <div class="account">
          <a href={linkTo('account')} {...(route.value.page === 'account' && { 'aria-current': 'page' })}>
            <span class="name">{nameOf(who)}</span>
            <span class="faint small">{who.role === 'admin' ? 'Administrator' : roleTexts[who.role]}</span>
          </a>
          <button
            type="button"
            class="button quiet square"
            aria-label="Sign out"
            disabled={isBusy}
            onClick={() => void attempt(signOut)}
          >
            <Icon name="leave" />
          </button>
        </div>
      )}
    </div>
  )
}

const roleTexts = { client: 'Apps', scout: 'Scouts' } as const

function nameOf({ account }: NonNullable<typeof session.value>): string {
  if (account === null) return 'Signed in by key'
  return account.name || shortAddress(account.address ?? account.id)
}
