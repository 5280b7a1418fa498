/**
 * What a hub that has run for months knows, for its pictures: seasons with points and reasons for none, operators with
 * and without names, and scouts in every state of trust. It is all the hub's own work, on days that a calendar sets.
 */
import type { LiveHub } from '../../support/hub/live-hub.ts'
import type { Calendar } from '../../support/ledger/calendar.ts'
import { PastWork } from '../../support/ledger/past-work.ts'

const listed = 'llama-3.1-8b-instant'
const names = ['Ant & Co', 'Observatory of the northern coast', null, 'Grace', null] as const

interface Past {
  /** One that is closed. */
  season: string
}

/** Leaves the calendar late in the present month. `owner` runs the scouts that the pictures show. */
export async function liveThePast(hub: LiveHub, calendar: Calendar, owner: string): Promise<Past> {
  const { keyring, trust, engine } = hub.hub
  const others = names.map((name) => ({ name, tenant: keyring.issue('scout', name ?? 'someone').row.tenant }))
  for (const { name, tenant } of others) if (name !== null) await engine.ledger!.showAs(tenant, name)
  const past = new PastWork(hub, calendar)
  if (trust !== null) beginTrust(hub, owner)
  const season = await past.threeSeasons((day) => {
    const busy = 1 + Math.abs(Math.sin(day / 4)) * 3
    for (const [at, scout] of ['atlas', 'basalt', 'cedar'].entries()) {
      const model = at === 2 ? 'llama-3.3-70b-versatile' : listed
      const tasks = Math.round(busy * (6 - at))
      for (let task = 0; task < tasks; task++) {
        const isOdd = task === 3 && day % (at + 2) === 0
        const tenant = isOdd && at === 0 ? owner : 'client'
        const marks = { isDirected: isOdd && at === 1, isLoop: isOdd && at === 2 }
        past.add({ scout: `${owner}/${scout}`, model, tenant, units: 900 + 70 * day, ...marks })
      }
    }
    for (const [at, { tenant }] of others.entries()) {
      past.add({
        scout: `${tenant}/scout`,
        model: listed,
        tenant: 'client',
        units: Math.round((40_000 * busy) / (at + 1)),
      })
    }
  })
  if (trust !== null) endTrust(hub, owner)
  return { season }
}

const recordOf = ({ hub: { trust } }: LiveHub, owner: string, scout: string, model: string) =>
  trust!.book.of(`${owner}/${scout}`, model, owner)!

function beginTrust(hub: LiveHub, owner: string): void {
  const { book } = hub.hub.trust!
  for (const [scout, model] of [
    ['atlas', 'demo-small'],
    ['atlas', 'demo-large'],
    ['basalt', 'demo-small'],
  ] as const) {
    const record = recordOf(hub, owner, scout, model)
    for (let check = 0; check < 24; check++) book.book(record, 'pass', 0)
  }
}

function endTrust(hub: LiveHub, owner: string): void {
  const { book } = hub.hub.trust!
  book.look(recordOf(hub, owner, 'atlas', 'demo-small'))
  const watched = recordOf(hub, owner, 'atlas', 'demo-large')
  for (let check = 0; check < 5; check++) book.book(watched, 'odd', Number.MAX_SAFE_INTEGER)
  const convicted = recordOf(hub, owner, 'basalt', 'demo-small')
  for (let check = 0; check < 12; check++) book.book(convicted, 'gross', Number.MAX_SAFE_INTEGER)
  const confirming = recordOf(hub, owner, 'cedar', 'demo-large')
  for (let check = 0; check < 4; check++) book.book(confirming, 'gross', Number.MAX_SAFE_INTEGER)
  for (let check = 0; check < 4; check++) book.book(recordOf(hub, owner, 'cedar', 'demo-small'), 'pass', 0)
}
