/**
 * The hub is killed (`kill -9`) with a whole fleet connected and started again on the same folder and port: how long
 * until the scouts are back, each of them after a random delay of its own.
 */
import { type Cell, median, type Result, round, type Scenario } from '../scenario.ts'
import { onStage } from '../stage.ts'

const limitSeconds = 90
const shares = [0.5, 0.9, 0.99, 1]

export const storm: Scenario = {
  name: 'storm',
  about: 'The hub is killed: how long until the fleet is back.',
  defaults: { rounds: 1 },
  run: (options, say) =>
    onStage(options, say, async (stage): Promise<Result> => {
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
    }),
}
