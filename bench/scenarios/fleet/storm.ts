/**
 * The hub is killed (`kill -9`) with a whole fleet connected and started again on the same folder and port: how long
 * until the scouts are back, each of them after a random delay of its own. Of a hub of several processes (`--edges`)
 * one edge is killed, and its scouts alone have to come back.
 */
import { type Cell, median, type Options, type Result, round, type Say, type Scenario } from '../scenario.ts'
import { onStage } from '../stage.ts'

const limitSeconds = 90
const noticeMs = 200
const shares = [0.5, 0.9, 0.99, 1]

export const storm: Scenario = {
  name: 'storm',
  about: 'The hub is killed: how long until the fleet is back.',
  defaults: { rounds: 1 },
  run: (options, say) => (options.edges > 0 ? edgeKilled(options, say) : hubKilled(options, say)),
}

function hubKilled(options: Options, say: Say): Promise<Result> {
  return onStage(options, say, async (stage): Promise<Result> => {
    const { scouts, rounds } = options
    const { hub, fleet } = await stage.network(scouts)
    const rows: Cell[][] = []
    for (let turn = 1; turn <= rounds; turn++) {
      await hub.kill()
      const killedMs = performance.now()
      await hub.restart()
      const listening = (performance.now() - killedMs) / 1_000
      const back: number[] = []
      for (const share of shares) {
        await fleet.returned(share, limitSeconds, () => {})
        back.push(round((performance.now() - killedMs) / 1_000))
      }
      rows.push([turn, round(listening), ...back])
      say(`round ${turn}/${rounds}: half back after ${back[0]} s, 99 % after ${back[2]} s, all after ${back[3]} s`)
    }
    return {
      columns: ['round', 'listening again s', '50 % s', '90 % s', '99 % s', 'all s'],
      rows,
      figures: { stormSeconds: median(rows.map((row) => Number(row[4]))) },
      notes: [`${scouts} scouts; seconds count from the kill.`],
    }
  })
}

/** Who was at other edges must not have noticed: nobody dials who was not at that one. */
function edgeKilled(options: Options, say: Say): Promise<Result> {
  return onStage(options, say, async (stage): Promise<Result> => {
    const { scouts, rounds, edges } = options
    const hub = await stage.hubOfProcesses(edges)
    const fleet = await stage.fleet(scouts)
    await stage.staff(hub, fleet, scouts)
    const rows: Cell[][] = []
    for (let turn = 1; turn <= rounds; turn++) {
      const before = await fleet.dropped()
      await hub.kill('edge')
      const killedMs = performance.now()
      // The ends of its sockets are on their way.
      await Bun.sleep(noticeMs)
      const back: number[] = []
      for (const share of shares) {
        await fleet.returned(share, limitSeconds, () => {})
        back.push(round((performance.now() - killedMs) / 1_000))
      }
      const dropped = (await fleet.dropped()) - before
      rows.push([turn, dropped, ...back])
      say(`round ${turn}/${rounds}: ${dropped} lost their socket, the last of them was back after ${back[3]} s`)
    }
    return {
      columns: ['round', 'scouts that lost their socket', '50 % s', '90 % s', '99 % s', 'all s'],
      rows,
      figures: { edgeStormSeconds: median(rows.map((row) => Number(row[4]))) },
      notes: [
        `${scouts} scouts at ${edges} edges, one of which is killed; seconds count from that, and shares are of the ` +
          'whole fleet.',
      ],
    }
  })
}
