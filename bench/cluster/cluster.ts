/**
 * What a network of three hubs over three NATS servers costs and gives, on one machine: everything is a ratio of two
 * things that were measured in the same run, or a bound that has to hold here. Processor time counts; hubs, servers,
 * scouts and load share the cores.
 */
import { median, type Result, round, type Scenario } from '../scenarios/scenario.ts'
import { onStage, timeAt, type Window } from '../scenarios/stage.ts'
import { openHubs } from './hubs.ts'
import { durable, idleShares, overloaded, presenceOfMany, servedByPeer, shareNothing } from './parts.ts'

/** Far below what the machine can do, so that nobody waits for a core. */
const openRate = 200

export const cluster: Scenario = {
  name: 'cluster',
  about: 'Three hubs as one network: what a task costs that another hub serves, and what outlives a hub.',
  defaults: { scouts: 200, inFlight: 64, seconds: 4, rounds: 3 },
  run: (options, say) =>
    onStage(options, say, async (stage): Promise<Result> => {
      const alone = await stage.hub()
      const hubs = await openHubs(stage)
      const load = await stage.load()
      const idle = await idleShares(alone, hubs)
      const busy = await overloaded(stage, alone, hubs, load)
      const served = await servedByPeer(stage, hubs, load, openRate)
      const apart = await shareNothing(stage, [alone, await stage.hub(), await stage.hub()], hubs, load)
      const kept = await durable(stage, hubs, load)
      const presenceMb = presenceOfMany()
      const cost = (windows: readonly Window[]) => median(windows.map(({ cpuUs }) => cpuUs))
      const ratioOf = (one: readonly number[], other: readonly number[]) =>
        median(one.map((value, turn) => value / other[turn]!))
      const peerCostRatio = ratioOf(
        served.peer.map(({ cpuUs }) => cpuUs),
        served.home.map(({ cpuUs }) => cpuUs),
      )
      const networkCostRatio = ratioOf(apart.ofNetwork, apart.alone)
      const added = [served.homeOpen, served.peerOpen].map((windows) => timeAt(windows, 'added', 0.5))
      const peerAddedP50 = added[1]! - added[0]!
      const presenceShare = Math.max(0, idle.ofNetwork - idle.alone)
      const journaledRate = median(kept.windows.map(({ perSecond }) => perSecond))
      const journaledP99 = timeAt([kept.atRate], 'latency', 0.99)
      const figures = {
        ...{ peerCostRatio, peerAddedP50, networkCostRatio, presenceShare, presenceMb, journaledRate, journaledP99 },
        overloadRatio: busy.ofNetwork / busy.alone,
        takeoverSeconds: kept.takeoverSeconds,
      }
      const missed = kept.taken === kept.open ? [] : [`Of ${kept.open} open intents ${kept.taken} were taken.`]
      return {
        columns: ['what', 'one', 'network', 'ratio or difference'],
        rows: [
          ['us of hubs per task, served at home / by a peer', cost(served.home), cost(served.peer), peerCostRatio],
          [`added ms p50 at ${openRate}/s, at home / by a peer`, added[0]!, added[1]!, peerAddedP50],
          [
            'us per task of three at once, each by itself / of a network',
            median(apart.alone),
            median(apart.ofNetwork),
            networkCostRatio,
          ],
          ['% of a core when idle', idle.alone, idle.ofNetwork, presenceShare],
          ['p99 ms of an overloaded hub', busy.alone, busy.ofNetwork, figures.overloadRatio],
          ['accepted intents/s', '', journaledRate, ''],
          ['p99 ms of acceptance at 2,000/s', '', journaledP99, ''],
          [`s until ${kept.open} open intents are another hub's`, '', kept.takeoverSeconds, ''],
        ].map((row) => row.map((cell) => (typeof cell === 'number' ? round(cell) : cell))),
        figures,
        notes: [
          `${options.scouts} scouts at a hub, ${options.inFlight} requests in flight; three NATS servers, streams on ` +
            'all three, which confirm before they sync.',
          `The servers took ${round(served.serverUs)} us of their own for a task that a peer served.`,
          'Presence of 50 hubs is computed from the summaries that they would send, everything else is measured.',
        ],
        missed,
      }
    }),
}
