/**
 * How fast a fleet connects: dialed with a bounded number of dials on their way (ramp) and all at once (storm), each
 * scout authenticated, welcomed and with its offers in the index, against bare upgrades of the same server by the same
 * dialing code.
 */

import { barsBesideRaw, median, type Result, round, type Scenario } from '../scenario.ts'
import { dialsAtOnce } from '../stage.ts'
import { type Connected, measureConnect } from './connect-round.ts'

const ways = [
  { way: 'ramp', atOnce: dialsAtOnce },
  { way: 'storm', atOnce: 100_000 },
] as const

export const connect: Scenario = {
  name: 'connect',
  about: 'Time to connect a fleet, against bare websocket upgrades.',
  defaults: { rounds: 3 },
  async run(options, say): Promise<Result> {
    const { scouts, rounds } = options
    const rows: Result['rows'] = []
    const figures: Result['figures'] = {}
    for (const { way, atOnce } of ways) {
      const raws: Connected[] = []
      const hubs: Connected[] = []
      for (let turn = 1; turn <= rounds; turn++) {
        raws.push(await measureConnect(options, say, 'raw', atOnce))
        hubs.push(await measureConnect(options, say, 'hub', atOnce))
        const [raw, hub] = [raws, hubs].map((taken) => taken.at(-1)!.seconds.toFixed(2))
        say(`${way} ${turn}/${rounds}: raw ${raw} s, hub ${hub} s`)
      }
      for (const [name, all] of [['raw upgrades', raws] as const, ['hub', hubs] as const]) {
        const of = (key: 'seconds' | 'cpuUs' | 'rssKb') => median(all.map((one) => one[key]))
        const perSecond = Math.round(scouts / of('seconds'))
        rows.push([way, name, scouts, round(of('seconds')), perSecond, round(of('cpuUs')), round(of('rssKb'))])
      }
      if (way === 'ramp') figures.connectRatio = median(hubs.map(({ seconds }, turn) => seconds / raws[turn]!.seconds))
    }
    const columns = ['way', 'server', 'sockets', 'seconds', 'per second', 'server us each', 'server KB each']
    const groups = [...new Set(rows.map(([way]) => String(way)))].map((heading) => {
      const ofWay = rows.filter(([way]) => way === heading).map(([, ...row]) => row)
      return { heading, bars: barsBesideRaw(ofWay, 2) }
    })
    return {
      columns,
      rows,
      figures,
      notes: ['The dialing side is the same `ws` client in both; it shares the two cores with the server.'],
      chart: { mark: 'bar', title: `Connecting ${scouts} scouts`, what: 'seconds; less is better', groups },
    }
  },
}
