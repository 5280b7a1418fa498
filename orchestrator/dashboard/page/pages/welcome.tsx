/**
 * What a visitor sees: what this is, how much of it is there now, and the two ways in.
 */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { Icon, type IconName } from '../parts/icon.tsx'
import { count, plural } from '../state/format.ts'
import { useResource } from '../state/resource.ts'
import { linkTo } from '../state/router.ts'
import { type HubNow, hubThen } from '../state/session.ts'

const refreshMs = 10_000

export function WelcomePage() {
  const isDue = useSignal(false)
  useEffect(() => {
    const timer = setTimeout(() => {
      isDue.value = true
    }, refreshMs)
    return () => clearTimeout(timer)
  }, [isDue])
  // What came with the answer to who this is will do at first.
  const { data: fetched } = useResource<HubNow>(isDue.value ? '/v1/hub' : null, refreshMs)
  const data = fetched ?? hubThen.value
  return (
    <div class="page">
      <div class="welcome">
        <header>
          <h1>Language models, answered by machines nobody has to open a port on.</h1>
          <p class="lead-text">
            This orchestrator speaks the API of OpenAI. It hands each request to the scout best suited: a laptop, a
            gaming PC, a container that dialed in.
          </p>
        </header>
        <p class="row" role="status">
          <span class={`dot ${data === null ? '' : data.scouts > 0 ? 'good' : 'warn'}`} />
          <span class="number">{data === null ? 'Looking…' : sentence(data)}</span>
        </p>
        <div class="doors">
          <Door icon="connect" title="Use the API" page="connect/api">
            Sign in, copy one line, get an answer. Works with every OpenAI client.
          </Door>
          <Door icon="scouts" title="Run a scout" page="connect/scout">
            Offer a model of your machine or of your provider’s account. One line, no open port.
          </Door>
        </div>
      </div>
    </div>
  )
}

function sentence({ scouts, models }: HubNow): string {
  if (scouts === 0) return 'No scout is connected yet.'
  const connected = scouts === 1 ? '1 scout is connected' : `${count(scouts)} scouts are connected`
  const offered = plural(models, 'model')
  return `${connected} and ${scouts === 1 ? 'offers' : 'offer'} ${offered}.`
}

interface DoorProps {
  icon: IconName
  title: string
  page: string
  children: string
}

function Door({ icon, title, page, children }: DoorProps) {
  return (
    <a class="door" href={linkTo(page)}>
      <Icon name={icon} />
      <h2>
        {title}
        <Icon name="arrow" />
      </h2>
      <p>{children}</p>
    </a>
  )
}
