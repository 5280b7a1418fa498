import { existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { keepChain, readChain } from '../../orchestrator/cluster/hub-files.ts'
import { type Network, openNetworkOver } from '../../orchestrator/cluster/network.ts'
import { readSummary, summaryBytes } from '../../orchestrator/cluster/presence/summary.ts'
import { sealMessage } from '../../orchestrator/cluster/roster/message.ts'
import { adding, removing } from '../../orchestrator/cluster/roster/proposal.ts'
import type { RosterChain } from '../../orchestrator/cluster/roster/roster-chain.ts'
import { rosterFileText } from '../../orchestrator/cluster/roster/roster-document.ts'
import { Random } from '../../orchestrator/core/model/random.ts'
import type { LocalFleet } from '../../orchestrator/engine/ports/client.ts'
import { memoryStore } from '../../orchestrator/store/memory/store.ts'
import { hubGoneMs, presenceMs, rosterLookMs, summaryBytesMax } from '../../shared/limits/cluster/presence.ts'
import { offerOf } from '../../shared/task.ts'
import { ManualSystem } from '../support/clocks/manual-system.ts'
import { BusModel, type ModelBus } from '../support/cluster/model-bus.ts'
import { LogModel } from '../support/cluster/model-log.ts'
import { folderOf, good, networkOf, signedByAll, type TestHub, testHub } from '../support/cluster/network.ts'

const [alpha, beta, gamma, delta] = [testHub('alpha', 1), testHub('beta', 2), testHub('gamma', 3), testHub('delta', 4)]
const trio = networkOf([alpha, beta, gamma])
const silent = { info() {}, warn() {}, error() {} }

function fleetOf(...models: string[]): LocalFleet {
  const offers = models.map((model) => offerOf({ kind: 'chat', model, provider: 'demo' }))
  return {
    ...{ scouts: models.length, concurrency: 4, credits: 3, running: 1, queued: 0, intents: 5 },
    models: offers.map((offer) => ({ offer, scouts: 1, idle: 1 })),
  }
}

const unused = () => {
  throw new Error('no hub of this test has work')
}
const deafSession = { receive() {}, closed() {} }

/** Hubs of one network on a bus and a clock that the test moves. */
class Stage {
  readonly system = new ManualSystem()
  readonly model = new BusModel(this.system)
  readonly logs = new LogModel(this.system)

  hub(hub: TestHub, { chain = trio, dataDir = folderOf(hub, chain), models = ['m'] } = {}) {
    const buses: ModelBus[] = []
    const connect = () => {
      const bus = this.model.connect()
      buses.push(bus)
      return {
        bus,
        shared: this.logs.connect(),
        keys: this.logs.connect(),
        use: this.logs.connect(),
        ledger: this.logs.connect(),
      }
    }
    const parts = { system: this.system, log: silent, copies: memoryStore() }
    const network = good(openNetworkOver(connect, { dataDir, roster: null }, parts))
    network.start({ localFleet: () => fleetOf(...models), submit: unused, openPeer: () => deafSession })
    onTestFinished(() => network.stop())
    return { network, dataDir, bus: buses[0]! }
  }
}

/** Each hub's state as this one sees it, by name. */
function seenBy(network: Network): Record<string, string> {
  return Object.fromEntries(network.listing().hubs.map(({ name, state }) => [name, state]))
}

function without(chain: RosterChain, name: string, signers: readonly TestHub[]): RosterChain {
  return good(chain.extended(signedByAll(good(removing(chain, name)), signers).next))
}

describe('hubs of a network', () => {
  test('see each other within one word, and what each one tells of itself', () => {
    const stage = new Stage()
    const [a, b] = [stage.hub(alpha, { models: ['llama', 'qwen'] }), stage.hub(beta)]
    expect(seenBy(a.network)).toEqual({ alpha: 'here', beta: 'unheard', gamma: 'unheard' })
    stage.system.pass(presenceMs)
    expect(seenBy(a.network)).toEqual({ alpha: 'here', beta: 'here', gamma: 'unheard' })
    const shown = b.network.listing().hubs.find(({ name }) => name === 'alpha')
    expect(shown).toMatchObject({ url: 'https://alpha.example', isSelf: false, scouts: 2, credits: 3, running: 1 })
    expect(shown!.intents).toEqual({ open: 5, taken: 0 })
    expect(shown!.models).toEqual(
      ['llama', 'qwen'].map((id) => ({ id, row: { kind: 'chat', scouts: 1, idle: 1, contextTokens: 0 } })),
    )
  })

  test('are gone after seven seconds of silence, and back with their next word', () => {
    const stage = new Stage()
    const [a, b] = [stage.hub(alpha), stage.hub(beta)]
    stage.system.pass(presenceMs)
    b.bus.cut(true)
    stage.system.pass(hubGoneMs - presenceMs)
    expect(seenBy(a.network).beta).toBe('here')
    stage.system.pass(presenceMs + 1_000)
    expect(seenBy(a.network).beta).toBe('gone')
    b.bus.cut(false)
    stage.system.pass(1_000)
    expect(seenBy(a.network).beta).toBe('here')
  })

  test.each(Array.from({ length: 10 }, (_, seed) => seed))(
    'find each other over a bus that loses, repeats and reorders (seed %i)',
    (seed) => {
      const stage = new Stage()
      const dice = new Random(seed)
      stage.system.random = () => dice.unit()
      stage.model.trouble = { delayMs: [0, 300], lost: 0.3, repeated: 0.3 }
      const hubs = [alpha, beta, gamma].map((hub) => stage.hub(hub))
      const missing = () => hubs.flatMap(({ network }) => Object.values(seenBy(network)).filter((is) => is !== 'here'))
      for (let second = 0; second < 20 && missing().length > 0; second++) stage.system.pass(1_000)
      expect(missing()).toEqual([])
    },
  )

  test('that were started anew are told apart from before, and what was recorded does not bring them back', () => {
    const stage = new Stage()
    const a = stage.hub(alpha)
    const b = stage.hub(beta)
    stage.system.pass(presenceMs)
    const recorded = [...stage.model.record]
    b.bus.cut(true)
    void a.network.stop()
    stage.system.pass(hubGoneMs + 1_000)
    const again = stage.hub(alpha, { dataDir: a.dataDir })
    for (const { subject, message } of recorded) stage.model.carry(null, subject, message)
    stage.system.pass(500)
    expect(seenBy(again.network).beta).not.toBe('here')
    b.bus.cut(false)
    stage.system.pass(presenceMs)
    expect(seenBy(again.network).beta).toBe('here')
    expect(again.network.listing().dropped.replayed).toBe(0)
    for (const { subject, message } of recorded) stage.model.carry(null, subject, message)
    stage.system.pass(500)
    expect(again.network.listing().dropped.replayed).toBeGreaterThan(0)
  })
})

describe('a changed roster', () => {
  test('cuts a removed authority off within five seconds, wherever it was signed', () => {
    const stage = new Stage()
    const [a, b, c] = [alpha, beta, gamma].map((hub) => stage.hub(hub)) as [Entry, Entry, Entry]
    stage.system.pass(presenceMs)
    expect(keepChain(a.dataDir, without(trio, 'gamma', [alpha, beta]))).toBeNull()
    stage.system.pass(5_000)
    for (const { network } of [a, b]) expect(seenBy(network)).toEqual({ alpha: 'here', beta: 'here' })
    expect(c.network.listing()).toMatchObject({ epoch: 4, standing: 'removed' })
    expect(good(readChain(join(b.dataDir, 'roster.json'))!).epoch).toBe(4)
    const before = b.network.listing().dropped.stranger!
    stage.model.carry(null, ...presenceOf(gamma, trio))
    stage.system.pass(500)
    expect(b.network.listing().dropped.stranger).toBe(before + 1)
  })

  test('reaches a hub that lacks several of them, one after the other', () => {
    const stage = new Stage()
    const later = without(trio, 'gamma', [alpha, beta])
    const a = stage.hub(alpha, { chain: later })
    const b = stage.hub(beta, { chain: networkOf([alpha, beta]) })
    expect(b.network.listing().epoch).toBe(2)
    stage.system.pass(10_000)
    expect(b.network.listing()).toMatchObject({ epoch: 4, standing: 'member' })
    expect(seenBy(a.network)).toEqual({ alpha: 'here', beta: 'here' })
  })

  test('is noticed that was written in the same millisecond as the one before', () => {
    const stage = new Stage()
    const dataDir = folderOf(alpha, trio)
    const writtenAtOnce = () => utimesSync(join(dataDir, 'roster.json'), 1_700_000_000, 1_700_000_000)
    writtenAtOnce()
    const a = stage.hub(alpha, { dataDir })
    keepChain(dataDir, without(trio, 'gamma', [alpha, beta]))
    writtenAtOnce()
    stage.system.pass(rosterLookMs)
    expect(a.network.listing().epoch).toBe(4)
  })

  test('of a fork stops every hub that learns of it, also after its next start', () => {
    const stage = new Stage()
    const pair = networkOf([alpha, beta])
    const one = good(pair.extended(signedByAll(good(adding(pair, entryOf(gamma))), [alpha]).next))
    const other = good(pair.extended(signedByAll(good(adding(pair, entryOf(delta))), [beta]).next))
    const [a, b] = [stage.hub(alpha, { chain: pair }), stage.hub(beta, { chain: pair })]
    stage.system.pass(presenceMs)
    keepChain(a.dataDir, one)
    keepChain(b.dataDir, other)
    stage.system.pass(10_000)
    for (const { network } of [a, b]) expect(network.listing().standing).toBe('forked')
    expect(existsSync(join(a.dataDir, 'roster-fork.json'))).toBe(true)
    expect(stage.hub(alpha, { dataDir: a.dataDir }).network.listing().standing).toBe('forked')
  })

  test('that nobody signed changes nothing, and a roster file that was spoiled leaves in force what held', () => {
    const stage = new Stage()
    const a = stage.hub(alpha)
    const forged = signedByAll(good(removing(trio, 'beta')), [alpha])
    const subject = `chasm.${trio.network.slice(0, 16)}.roster`
    for (const bytes of [rosterFileText([forged.next]), 'garbage', rosterFileText(networkOf([delta]).documents)]) {
      stage.model.carry(null, subject, Buffer.from(bytes))
    }
    stage.system.pass(500)
    const path = join(a.dataDir, 'roster.json')
    writeFileSync(path, readFileSync(path, 'utf8').replace('alpha', 'omega'))
    stage.system.pass(2 * rosterLookMs)
    expect(a.network.listing()).toMatchObject({ epoch: 3, standing: 'member' })
  })
})

describe('what must not be', () => {
  test('two processes with one identity: the older one takes no part any more', () => {
    const stage = new Stage()
    const first = stage.hub(alpha)
    const b = stage.hub(beta)
    stage.system.pass(presenceMs)
    const second = stage.hub(alpha, { dataDir: first.dataDir })
    stage.system.pass(presenceMs)
    expect(first.network.listing().standing).toBe('double')
    expect(second.network.listing().standing).toBe('member')
    expect(seenBy(b.network).alpha).toBe('here')
  })

  test('a hub without identity, roster or place in it does not start, and says what to do', () => {
    const stage = new Stage()
    const open = (dataDir: string, roster: string | null = null) => {
      const connect = () => ({
        bus: stage.model.connect(),
        shared: stage.logs.connect(),
        keys: stage.logs.connect(),
        use: stage.logs.connect(),
        ledger: stage.logs.connect(),
      })
      const parts = { system: stage.system, log: silent, copies: memoryStore() }
      const opened = openNetworkOver(connect, { dataDir, roster }, parts)
      return 'flaw' in opened ? opened.flaw : 'none'
    }
    const bare = folderOf(alpha, trio)
    expect(open(join(bare, 'nowhere'))).toContain("make this hub's identity with `npm run -s cluster -- identity`")
    expect(open(folderOf(delta, trio))).toContain(`an authority has to add ${delta.identity.key}`)
    expect(open(bare, join(bare, 'missing.json'))).toContain('CLUSTER_ROSTER names')
    const foreign = join(bare, 'foreign.json')
    writeFileSync(foreign, rosterFileText(networkOf([delta]).documents))
    expect(open(bare, foreign)).toContain('belongs to another network')
  })

  test('a summary that claims too much: it is bounded when made and refused when read', () => {
    const many = Array.from({ length: 9_000 }, (_, at) => `model-${at}-${'x'.repeat(at % 60)}`)
    const bytes = summaryBytes({ beta: 7 }, null, fleetOf(...many), 3)
    expect(bytes.length).toBeLessThanOrEqual(summaryBytesMax)
    const summary = readSummary(bytes)!
    expect(summary.models.length + summary.more).toBe(many.length)
    expect(summary.models[0]!.row).not.toBeNull()
    expect(summary.models.at(-1)!.row).toBeNull()
    expect(summary.intents).toEqual({ open: 5, taken: 3 })
    // As versions before wrote it.
    expect(readSummary(Buffer.from(bytes.toString().replace(/"intents":\{[^}]*\},/, '')))!.intents).toBeNull()
    expect(readSummary(Buffer.concat([bytes, Buffer.alloc(summaryBytesMax, ' ')]))).toBeNull()
    for (const text of ['', '[]', '{"heard":{}}', bytes.toString().replace('"more":', '"more":-')]) {
      expect(readSummary(Buffer.from(text))).toBeNull()
    }
  })
})

type Entry = ReturnType<Stage['hub']>

const entryOf = ({ name, identity, url }: TestHub) => ({ name, key: identity.key, url })

/** A well-signed word of a hub, as it would be under this roster. */
function presenceOf({ name, identity }: TestHub, chain: RosterChain): [string, Uint8Array] {
  const subject = `chasm.${chain.network.slice(0, 16)}.presence.${name}`
  const head = { from: { name, boot: 4_000_000_000 }, to: null, epoch: chain.epoch, number: 1 }
  return [subject, sealMessage(head, subject, summaryBytes({}, null, fleetOf('m'), 0), identity)]
}
