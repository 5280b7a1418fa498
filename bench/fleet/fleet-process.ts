/**
 * One process of the fleet: many scouts, each the product's own (session, link, executor, outbox and the `ws` socket),
 * over a few shared catalogs. It counts who is connected, makes scouts flap, and can dial bare sockets instead, which
 * is what the connection scenarios compare with. `fleet.ts` starts these processes and divides the scouts among them.
 */

import { type Dial, type Socket, websocketDial } from '../../scout/link/socket.ts'
import type { Log } from '../../scout/log.ts'
import { Catalog } from '../../scout/offers/catalog.ts'
import { Scout } from '../../scout/process/scout.ts'
import { DemoProvider, demoDefaults } from '../../scout/providers/demo/demo.ts'
import { closeTable } from '../../shared/protocol/close-codes.ts'
import { realSystem } from '../../shared/system.ts'
import { answerCalls, clockMs } from '../load/calls.ts'
import type { Population } from './population.ts'
import { StampedProvider } from './stamped-provider.ts'

export interface Staffing {
  count: number
  /** Number of the first scout; names and offers follow from the numbers. */
  first: number
  /** The scout endpoint under each address of the hub; scouts take them in turns. */
  urls: string[]
  key: string
  /** Dials on their way at once. */
  dialsAtOnce: number
}

/** When a number of dials began and when the last of them was through. */
export interface Span {
  beganMs: number
  endedMs: number
}

const system = realSystem()
const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }

/** One scout of the fleet, as far as the bench watches it. */
class Member {
  cut: () => void = () => {}
  readonly scout: Scout

  constructor(number: number, staffing: Staffing, population: Population, welcomed: () => void) {
    const { urls, key } = staffing
    const dial = websocketDial(urls[number % urls.length]!, key, system)
    const catalog = catalogOf(number, population)
    const { concurrency } = population
    this.scout = new Scout(
      { name: `bench-${number}`, concurrency },
      {
        system,
        dial: this.watched(dial),
        catalog,
        log: silent,
        welcomed: () => {
          welcomes++
          connected.add(this)
          welcomed()
        },
      },
    )
  }

  private watched(dial: Dial): Dial {
    return (events) => {
      const closed = (code: number, reason: string) => {
        connected.delete(this)
        if (code !== closeTable.hubDraining.code) dropped++
        events.closed(code, reason)
      }
      const socket: Socket = dial({ ...events, closed })
      this.cut = () => {
        socket.close(1001, 'flapping')
        closed(1006, 'cut by the bench')
      }
      return socket
    }
  }
}

const connected = new Set<Member>()
const members: Member[] = []
const catalogs = new Map<string, Catalog>()
const bare: Socket[] = []
let flapping: Timer | null = null
/** Of all scouts, since the start. */
let welcomes = 0
/** Sockets of scouts that ended though no hub had asked for that. */
let dropped = 0

/** Scouts with the same offers share a catalog, which was opened before. */
function catalogOf(number: number, population: Population): Catalog {
  return catalogs.get(classOf(number, population))!
}

function classOf(number: number, { models, faulty, thinkMs }: Population): string {
  const isFaulty = (number * 0.618_033_988_7) % 1 < faulty
  return `${number % models} ${thinkMs} ${isFaulty}`
}

async function openCatalog(number: number, population: Population): Promise<void> {
  const name = classOf(number, population)
  if (catalogs.has(name)) return
  const { models: count, offers, provider, thinkMs, tokens, tokensPerSecond, tokenBytes, answerBytes } = population
  const models = Array.from({ length: Math.min(count, offers) }, (_, i) => `bench-${(number + i) % count}`)
  const failureRate = name.endsWith('true') ? 0.5 : 0
  const demo = { ...demoDefaults, models, firstTokenMs: thinkMs, tokens, tokensPerSecond, failureRate }
  const stamped = new StampedProvider({
    models,
    thinkMs,
    tokens,
    tokensPerSecond,
    tokenBytes,
    answerBytes,
    failureRate,
  })
  const catalog = new Catalog(system, silent, [provider === 'demo' ? new DemoProvider(demo, system) : stamped])
  catalogs.set(name, catalog)
  await catalog.open()
}

/** Starts `count` dials, so many at once, each calling `through` when it is done. */
function dialAll(count: number, dialsAtOnce: number, start: (index: number, through: () => void) => void) {
  const all = Promise.withResolvers<Span>()
  const beganMs = clockMs()
  let begun = 0
  let done = 0
  const next = () => {
    while (begun < count && begun - done < dialsAtOnce) {
      let isFirst = true
      start(begun++, () => {
        // A scout that reconnects is welcomed again.
        if (!isFirst) return
        isFirst = false
        if (++done === count) all.resolve({ beganMs, endedMs: clockMs() })
        else next()
      })
    }
  }
  next()
  return all.promise
}

const calls = {
  /** Adds scouts; resolves when all of them have been welcomed. */
  async staff({ staffing, population }: { staffing: Staffing; population: Population }): Promise<Span> {
    const { count, first, dialsAtOnce } = staffing
    for (let number = first; number < first + count; number++) await openCatalog(number, population)
    return dialAll(count, dialsAtOnce, (index, through) => {
      const member = new Member(first + index, staffing, population, through)
      members.push(member)
      member.scout.start()
    })
  },

  /** Opens bare sockets in the scouts' way and sends nothing on them. */
  dialBare({ count, urls, key, dialsAtOnce }: Staffing): Promise<Span> {
    return dialAll(count, dialsAtOnce, (index, through) => {
      const fail = (why: string) => process.stderr.write(`a bare dial failed: ${why}\n`)
      const dial = websocketDial(urls[index % urls.length]!, key, system)
      const refused = (status: number) => fail(`status ${status}`)
      // Ends with its server, which is no failure.
      bare.push(dial({ opened: through, refused, message() {}, closed() {} }))
    })
  },

  connected: (_: null) => connected.size,

  welcomes: (_: null) => welcomes,

  dropped: (_: null) => dropped,

  /** From now on so many scouts per second lose their socket and dial again; 0 ends it. */
  flap({ perSecond }: { perSecond: number }): void {
    clearInterval(flapping ?? undefined)
    const everyMs = 100
    let owed = 0
    if (perSecond === 0) return
    flapping = setInterval(() => {
      for (owed += (perSecond * everyMs) / 1_000; owed >= 1; owed--) {
        members[Math.floor(Math.random() * members.length)]!.cut()
      }
    }, everyMs)
  },
}

export type FleetCalls = typeof calls

answerCalls(calls)
