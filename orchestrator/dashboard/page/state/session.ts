/**
 * Who looks at this page: a visitor, or somebody with a session, and what that session may do. Signing in and out go
 * through here; the parts of the page read the signals and show what the role may see. The hub decides anyway: a page
 * that shows too much gets refusals.
 */
import { computed, effect, signal } from '@preact/signals'
import { ask, type Refusal, refusalIn, strangerAnswers } from './api.ts'
import { forgetLive } from './live.ts'

export interface Account {
  id: string
  address: string | null
  name: string
  role: 'admin' | 'member'
  state: 'waiting' | 'active' | 'suspended'
  created: number
}

export interface Session {
  account: Account | null
  key: string | null
  role: 'client' | 'admin' | 'scout'
  /** How it makes keys: by a signature each, by itself, or not at all. */
  mints: 'signature' | 'session' | 'never'
  /** Seconds since 1970 until which it makes them by itself; null without an end. */
  mints_until: number | null
}

/** `asking`: the hub has not said yet. `unknown`: it could not be asked. */
type State = { is: 'asking' } | { is: 'unknown'; refusal: Refusal } | { is: 'out' } | { is: 'in'; session: Session }

export const state = signal<State>({ is: 'asking' })
export const session = computed(() => (state.value.is === 'in' ? state.value.session : null))
export const isAdmin = computed(() => session.value?.role === 'admin')

/** Where the scouts are listed that this session may see. */
export function scoutsPath(): string {
  return isAdmin.value ? '/v1/scouts' : '/v1/me/scouts'
}

/** How people get in here. */
export const ways = signal<{ wallet: boolean; signup: string }>({ wallet: false, signup: 'off' })

/** Whether the hub is one of several. */
export const isInNetwork = signal(false)

/** How much of a hub there was when the page last asked who this is; null before. */
export const hubThen = signal<HubNow | null>(null)

export interface HubNow {
  scouts: number
  models: number
}

/** The text of a key that was made in this tab, for snippets; never kept anywhere else. */
export const freshKeys = signal<{ client: string | null; scout: string | null }>({ client: null, scout: null })

interface Auth {
  signup: string
  wallet: boolean
  network: boolean
  session: Session | null
  hub: HubNow
}

/** Asks the hub who this is: at the start, and after every change. */
export async function refreshSession(): Promise<void> {
  try {
    const auth = await ask<Auth>('/v1/auth')
    hubThen.value = auth.hub
    isInNetwork.value = auth.network
    ways.value = { wallet: auth.wallet, signup: auth.signup }
    state.value = auth.session === null ? { is: 'out' } : { is: 'in', session: auth.session }
    noteSession(auth.session !== null)
  } catch (error) {
    // Who is signed in stays so until the hub says otherwise.
    if (state.value.is !== 'in') state.value = { is: 'unknown', refusal: refusalIn(error) }
  }
}

const mark = 'chasm-session'

/** Whether there was a session when this browser last knew; the hub decides, this only what is shown until it has. */
export function hadSession(): boolean {
  try {
    return localStorage.getItem(mark) !== null
  } catch {
    return false
  }
}

function noteSession(isIn: boolean): void {
  try {
    if (isIn) localStorage.setItem(mark, '1')
    else localStorage.removeItem(mark)
  } catch {
    // Storage is switched off: whoever is signed in sees the welcome for a moment.
  }
}

/** A session that ended at the hub ends here as well: whoever has it is asked to sign in again. */
effect(() => {
  if (strangerAnswers.value > 0 && state.peek().is === 'in') void refreshSession()
})

/** Opens a session with the rights of this key. Throws the hub's refusal. */
export async function signInWithKey(key: string): Promise<void> {
  await ask('/v1/auth/key', { method: 'POST', body: { key } })
  await signedIn()
}

/** With the secret of the link that a start or `npm run -s key -- login` printed. */
export async function signInWithLink(token: string): Promise<void> {
  await ask('/v1/auth/link', { method: 'POST', body: { token } })
  await signedIn()
}

/** What was there for whoever was signed in before is nothing for the next. */
export async function signedIn(): Promise<void> {
  linkRefusal.value = null
  forgetLive()
  await refreshSession()
}

/** Throws the refusal of a hub that could not end it: whoever leaves a machine has to know. */
export async function signOut(): Promise<void> {
  await ask('/v1/auth/session', { method: 'DELETE' })
  freshKeys.value = { client: null, scout: null }
  await refreshSession()
  forgetLive()
}

/** Why the link that opened this page did not sign in; null when there was none, or it did. */
export const linkRefusal = signal<string | null>(null)
