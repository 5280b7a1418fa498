/**
 * From nothing to the first answer, or to a connected scout: a key, a line to copy with it filled in, and a box that
 * turns green when the request or the scout arrives.
 */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { Choices } from '../parts/choices.tsx'
import { Code } from '../parts/code.tsx'
import { Pending, Refused } from '../parts/notice.tsx'
import { Page } from '../parts/panel.tsx'
import { useAttempt } from '../state/attempt.ts'
import { milliseconds, shortScout } from '../state/format.ts'
import { type Topics, useTopic } from '../state/live.ts'
import { useResource } from '../state/resource.ts'
import { go, linkTo, route } from '../state/router.ts'
import { freshKeys, scoutsPath, session } from '../state/session.ts'
import { firstName, makeKey } from './keys/key-terms.ts'
import { apiSnippets, type Snippet, scoutSnippets } from './snippets.ts'

const sides = [
  ['api', 'Use the API'],
  ['scout', 'Run a scout'],
] as const

type Side = (typeof sides)[number][0]

export function ConnectPage() {
  const side: Side = route.value.subject[0] === 'scout' ? 'scout' : 'api'
  return (
    <Page
      title="Connect"
      about={side === 'api' ? 'Your first answer is three steps away.' : 'A scout dials out; no port has to be opened.'}
      actions={<Choices label="What to connect" options={sides} value={side} onChoose={(to) => go(`connect/${to}`)} />}
    >
      <div class="steps">
        <KeyStep side={side} key={side} />
        {side === 'api' ? <ApiSteps /> : <ScoutSteps />}
      </div>
    </Page>
  )
}

function Step({ number, title, children }: { number: number; title: string; children: preact.ComponentChildren }) {
  return (
    <section class="step" aria-label={title}>
      <i aria-hidden="true">{number}</i>
      <div>
        <h2>{title}</h2>
        {children}
      </div>
    </section>
  )
}

const roles = { api: 'client', scout: 'scout' } as const

function KeyStep({ side }: { side: Side }) {
  const role = roles[side]
  const key = freshKeys.value[role]
  const title = side === 'api' ? 'A key for your app' : 'A key for the scout'
  if (key !== null) {
    return (
      <Step number={1} title={title}>
        <p class="soft">It is filled in below while this tab is open, and shown nowhere again.</p>
        <Code text={key} label="the key" wraps />
      </Step>
    )
  }
  return (
    <Step number={1} title={title}>
      {session.value?.mints === 'never' ? (
        <p class="soft">Use a key that you have, or ask the operator for one; put it in its place below.</p>
      ) : (
        <MakeKey role={role} />
      )}
    </Step>
  )
}

/** Made at once, under a name that says what for; the page of keys has the limits. */
function MakeKey({ role }: { role: 'client' | 'scout' }) {
  const { attempt, refusal, isBusy } = useAttempt()
  const make = () => attempt(() => makeKey({ role, name: firstName(role) }))
  return (
    <>
      <div class="row">
        <button type="button" class="button primary" disabled={isBusy} onClick={() => void make()}>
          {session.value?.mints === 'signature' ? 'Sign and make a key' : 'Make a key'}
        </button>
        <span class="soft">
          Or put one that you have in its place below; <a href={linkTo('keys', { make: role })}>with limits</a>.
        </span>
      </div>
      {refusal && <Refused refusal={refusal} />}
    </>
  )
}

function ApiSteps() {
  const key = freshKeys.value.client ?? 'YOUR_KEY'
  return (
    <>
      <Step number={2} title="Copy one of these">
        <Snippets of={apiSnippets(location.origin, key, 'auto')} />
      </Step>
      <Step number={3} title="The answer">
        <FirstRequest />
      </Step>
    </>
  )
}

function ScoutSteps() {
  const key = freshKeys.value.scout ?? 'YOUR_SCOUT_KEY'
  const hub = useResource<{ scout_builds: string[] }>('/v1/hub')
  return (
    <>
      <Step number={2} title="Start it where the model is">
        <p class="soft">
          It finds Ollama, vLLM, LM Studio and llama.cpp on their usual ports. For a provider add its key beside
          SCOUT_KEY, such as GROQ_API_KEY=gsk_…
        </p>
        {hub.data === null && hub.refusal === null ? (
          <Pending lines={2} />
        ) : (
          <Snippets of={scoutSnippets(location.origin, key, hub.data?.scout_builds ?? [])} />
        )}
      </Step>
      <Step number={3} title="It connects">
        <FirstScout />
      </Step>
    </>
  )
}

function Snippets({ of }: { of: Snippet[] }) {
  const chosen = useSignal(of[0]!.id)
  const shown = of.find(({ id }) => id === chosen.value) ?? of[0]!
  const options = of.map(({ id, name }) => [id, name] as const)
  return (
    <div class="stack">
      <Choices
        label="Language"
        options={options}
        value={shown.id}
        onChoose={(id) => {
          chosen.value = id
        }}
      />
      {shown.install !== '' && <p class="soft small">{shown.install}</p>}
      <Code text={shown.text} label={shown.name} />
    </div>
  )
}

/** What came after this box was opened; null until then, undefined until it is known what had come before. */
function useArrival(mine: Topics['mine'] | null) {
  const before = useSignal<number | null>(null)
  useEffect(() => {
    // An orchestrator that was started anew counts from the beginning.
    if (mine !== null && (before.value === null || mine.requests < before.value)) before.value = mine.requests
  }, [mine, before])
  if (mine === null || before.value === null) return undefined
  return mine.last !== null && mine.requests > before.value ? mine.last : null
}

function FirstRequest() {
  const arrived = useArrival(useTopic('mine').value)
  if (arrived === undefined) return <Waiting text="Connecting…" />
  if (arrived === null) return <Waiting text="Waiting for your first request…" />
  const { served, status, duration_ms: ms } = arrived
  if (served === null || status >= 400) {
    return (
      <p class="arrival" role="status">
        <span class="dot bad" />A request came after {milliseconds(ms)} to an end with status {status}: its answer says
        why.
      </p>
    )
  }
  const { scout, model } = served
  return (
    <p class="arrival arrived" role="status">
      <span class="dot good" />
      <span>
        <strong class="name">{shortScout(scout)}</strong> answered with <span class="name">{model}</span> in{' '}
        {milliseconds(ms)}.
      </span>
    </p>
  )
}

interface ListedScout {
  name: string
  offers: { model: string }[]
}

const scoutsLookMs = 2_000
/** Of the scouts that connected meanwhile. */
const arrivalsLooked = 20
const offersShown = 3

interface NewScouts {
  data: ListedScout[]
  /** Behind which the next one to connect will stand. */
  newest: number
}

/** Asks for the scouts that connected after this box was opened, and for no others. */
function FirstScout() {
  const after = useSignal<number | null>(null)
  const path = `${scoutsPath()}?limit=${arrivalsLooked}`
  const { data } = useResource<NewScouts>(after.value === null ? path : `${path}&after=${after.value}`, scoutsLookMs)
  useEffect(() => {
    // An orchestrator that was started anew counts from the beginning.
    if (data !== null && (after.value === null || data.newest < after.value)) after.value = data.newest
  }, [data, after])
  const isKnown = data !== null && after.value !== null && data.newest >= after.value
  if (!isKnown) return <Waiting text="Connecting…" />
  const arrived = data.newest === after.value ? undefined : data.data.at(-1)
  if (arrived === undefined) return <Waiting text="Waiting for the scout to dial in…" />
  const models = [...new Set(arrived.offers.map(({ model }) => model))]
  const more = models.length > offersShown ? ` and ${models.length - offersShown} more` : ''
  return (
    <p class="arrival arrived" role="status">
      <span class="dot good" />
      <span>
        <strong class="name">{arrived.name}</strong> is connected
        {models.length > 0 && (
          <>
            , offers <span class="name">{models.slice(0, offersShown).join(', ') + more}</span>
          </>
        )}
        . <a href={linkTo('scouts')}>How it does</a>
      </span>
    </p>
  )
}

function Waiting({ text }: { text: string }) {
  return (
    <p class="arrival" role="status">
      <span class="dot busy" />
      {text}
    </p>
  )
}
