/**
 * The frame and the page in it: the address says which one. Pages that need a session show the sign-in in their place,
 * and lead to where the reader wanted to go. Larger pages are loaded when they are first opened.
 */
import { type ComponentType, type FunctionComponent, h } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Navigation } from './navigation.tsx'
import { ConnectPage } from './pages/connect.tsx'
import { OverviewPage } from './pages/overview.tsx'
import { SignInPage } from './pages/sign-in.tsx'
import { WelcomePage } from './pages/welcome.tsx'
import { Notice, Pending, Refused } from './parts/notice.tsx'
import { lostAt } from './state/live.ts'
import { route } from './state/router.ts'
import { hadSession, linkRefusal, refreshSession, session, state } from './state/session.ts'

type Loader = () => Promise<ComponentType>

const pages: Record<string, ComponentType | { load: Loader }> = {
  overview: OverviewPage,
  connect: ConnectPage,
  keys: { load: () => import('./pages/keys/keys.tsx').then(({ KeysPage }) => KeysPage) },
  usage: { load: () => import('./pages/usage.tsx').then(({ UsagePage }) => UsagePage) },
  scouts: { load: () => import('./pages/scouts/scouts.tsx').then(({ ScoutsPage }) => ScoutsPage) },
  intents: { load: () => import('./run/intents.tsx').then(({ IntentsPage }) => IntentsPage) },
  points: { load: () => import('./pages/points/points.tsx').then(({ PointsPage }) => PointsPage) },
  disputes: { load: () => import('./pages/disputes.tsx').then(({ DisputesPage }) => DisputesPage) },
  hubs: { load: () => import('./pages/hubs.tsx').then(({ HubsPage }) => HubsPage) },
  account: { load: () => import('./pages/account.tsx').then(({ AccountPage }) => AccountPage) },
  playground: { load: () => import('./pages/playground/playground.tsx').then(({ PlaygroundPage }) => PlaygroundPage) },
  admin: { load: () => import('./pages/admin/admin.tsx').then(({ AdminPage }) => AdminPage) },
}

function titleOf(page: string): string {
  if (Object.hasOwn(pages, page)) return page.charAt(0).toUpperCase() + page.slice(1)
  if (session.value !== null) return 'Overview'
  return page === 'sign-in' ? 'Sign in' : 'Welcome'
}

export function App() {
  const { page } = route.value
  const title = titleOf(page)
  useEffect(() => {
    document.title = `${title} · Chasm`
  }, [title])
  useEffect(() => {
    document.getElementById('main')?.focus({ preventScroll: true })
    scrollTo(0, 0)
  }, [page])
  return (
    <div class="frame">
      <button type="button" class="skip" onClick={skip}>
        Skip to the content
      </button>
      <Navigation />
      <main id="main" tabIndex={-1}>
        {linkRefusal.value !== null && (
          <div class="page">
            <Notice level="bad">{linkRefusal.value}</Notice>
          </div>
        )}
        {lostAt.value !== null && <Lost at={lostAt.value} />}
        <Content page={page} />
      </main>
    </div>
  )
}

function skip(): void {
  document.getElementById('main')?.focus()
}

function Lost({ at }: { at: number }) {
  const time = new Date(at).toLocaleTimeString()
  return (
    <div class="page">
      <Notice level="warn">The connection to the orchestrator is lost; the figures are from {time}.</Notice>
    </div>
  )
}

function Content({ page }: { page: string }) {
  const { value: now } = state
  // A visitor need not wait for an answer to who it is.
  if (now.is === 'asking') return isWelcome(page) && !hadSession() ? <WelcomePage /> : <Pending lines={6} />
  if (now.is === 'unknown') return <Refused refusal={now.refusal} retry={() => void refreshSession()} />
  if (page === 'sign-in' && session.value === null) return <SignInPage next="overview" />
  const found = Object.hasOwn(pages, page) ? pages[page] : undefined
  if (found === undefined) return session.value !== null ? <OverviewPage /> : <WelcomePage />
  if (session.value === null) return <SignInPage next={location.hash.slice(1)} />
  return typeof found === 'function' ? h(found, {}) : <Loaded key={page} load={found.load} />
}

function isWelcome(page: string): boolean {
  return page === '' || page === 'welcome'
}

function Loaded({ load }: { load: Loader }) {
  const [loaded, setLoaded] = useState<{ page: FunctionComponent } | 'failed' | null>(null)
  useEffect(() => {
    load().then(
      (page) => setLoaded({ page: page as FunctionComponent }),
      () => setLoaded('failed'),
    )
  }, [load])
  if (loaded === 'failed') {
    return (
      <Notice level="bad">This part of the page did not load: reload it, the orchestrator may have changed.</Notice>
    )
  }
  return loaded === null ? <Pending lines={6} /> : h(loaded.page, {})
}
