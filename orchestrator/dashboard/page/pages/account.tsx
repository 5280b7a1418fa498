/**
 * One's own account: who is signed in and as what, how many points there are, and whether one is named beside them.
 */
import { pointsText } from '../../../../shared/scouts/standing.ts'
import { Facts, Page, Panel } from '../parts/panel.tsx'
import { day } from '../state/format.ts'
import { useResource } from '../state/resource.ts'
import { linkTo } from '../state/router.ts'
import { type Session, session } from '../state/session.ts'
import { type Earnings, earningsPath, seasonAt } from './points/earnings.ts'
import { LeaderboardName } from './points/leaderboard-name.tsx'

export function AccountPage() {
  const who = session.value
  if (who === null) return null
  return (
    <Page title="Account" about="Who is signed in here, and what others may know of it.">
      <Who of={who} />
      <Points />
      <LeaderboardName suggested={who.account?.name ?? ''} />
    </Page>
  )
}

const roleTexts = { admin: 'Administrator', client: 'Apps', scout: 'Scouts' } as const

function Who({ of: { account, key, role } }: { of: Session }) {
  const facts: [string, string][] = []
  if (account !== null) {
    if (account.name !== '') facts.push(['Name', account.name])
    facts.push(['Wallet', account.address ?? 'none'], ['Since', day(account.created)])
  }
  if (key !== null) facts.push(['Signed in by key', key])
  facts.push(['Role', roleTexts[role]])
  return (
    <Panel title="Signed in">
      <Facts of={facts} />
    </Panel>
  )
}

/** Nothing where the hub shows no points. */
function Points() {
  const asked = { season: seasonAt(Date.now()), by: 'day', scout: '', operator: '' }
  const { data } = useResource<Earnings>(earningsPath(asked))
  if (data === null) return null
  const { vested, waiting, untrusted } = data.points
  return (
    <Panel title="Points">
      <p>
        {pointsText({ earned: vested, waiting, untrusted }, ' points')}. <a href={linkTo('points')}>See what for</a>
      </p>
    </Panel>
  )
}
