/**
 * One hub's part in a network of hubs: opens its identity and its roster, connects to the servers between hubs, and
 * runs membership, presence, the sharing of work and the journal of intents. `main.ts` loads it only where CLUSTER_URL
 * is set, opens it before the hub and starts it with the hub; a flaw of files or settings is one sentence, and the hub
 * does not start.
 */
import { welcomeHubsMax } from '../../shared/limits/wire.ts'
import type { System } from '../../shared/system.ts'
import type { Keyring } from '../engine/keyring.ts'
import type { HubListing, HubNetwork, NetworkListing } from '../engine/ports/client.ts'
import type { IntentHost, IntentLog } from '../engine/ports/intents.ts'
import type { NetworkLedgerReport, OwnLedger } from '../engine/ports/network/network-ledger.ts'
import type { EdgesNetwork, NetworkState } from '../engine/ports/network/network-state.ts'
import type { Store } from '../engine/ports/store.ts'
import type { Tenants } from '../tenants/tenants.ts'
import type { HubBus } from './bus/bus.ts'
import { NatsBus } from './bus/nats-bus.ts'
import { hasFork, keepChain, nextBoot, readChain } from './hub-files.ts'
import { hubFilesOf, readIdentity } from './identity-file.ts'
import { IntentJournal } from './journal/intent-journal.ts'
import { LineSharing } from './journal/line-sharing.ts'
import type { SharedLog } from './journal/log.ts'
import { NatsLog } from './journal/nats-log.ts'
import { intentStream, keyStream, ledgerStream, type StreamForm, useStream } from './journal/streams.ts'
import { Takeover } from './journal/takeover.ts'
import { Wishes } from './journal/wishes.ts'
import { BudgetSharing } from './keys/budget-sharing.ts'
import { KeySharing, type KeySharingStore } from './keys/key-sharing.ts'
import { LedgerSharing } from './ledger/ledger-sharing.ts'
import { Membership, type MembershipLog, prefixOf } from './membership.ts'
import type { PeerChange } from './presence/peers.ts'
import { Presence } from './presence/presence.ts'
import { circleBehind } from './roster/circle.ts'
import { slotMax, taskEpoch } from './roster/task-space.ts'
import { Sharing, type SharingHub } from './sharing/sharing.ts'

export interface NetworkSettings {
  dataDir: string
  /** `host:port` of the servers between hubs. */
  servers: readonly string[]
  isSecure: boolean
  login: { user: string; password: string } | null
  /** Path of a roster file to take in; null: the one in the data folder. */
  roster: string | null
}

interface NetworkParts {
  system: System
  log: MembershipLog
  /** Where intents of other hubs are held for who asks for them here; in memory. */
  copies: Store
  dataDir: string
}

/** What a hub has of the servers between hubs. */
export interface Servers {
  bus: HubBus
  /** Of intents. */
  shared: SharedLog
  keys: SharedLog
  /** Of what was used of budgets. */
  use: SharedLog
  /** Of what hubs tell of their ledgers. */
  ledger: SharedLog
}

/** Opens this hub's part over NATS. */
export function openNetwork(
  settings: NetworkSettings,
  parts: Omit<NetworkParts, 'dataDir'>,
): Network | { flaw: string } {
  const { servers, isSecure, login } = settings
  const { system } = parts
  const connect = (name: string, prefix: string): Servers => {
    const bus = new NatsBus({ system, servers, isSecure, name: `chasm ${name}`, login })
    const parts = { system, bus, copies: servers.length >= 3 ? 3 : 1 }
    const logOf = (stream: StreamForm) => new NatsLog({ ...parts, stream })
    const own = { shared: logOf(intentStream(prefix)), keys: logOf(keyStream(prefix)) }
    return { bus, ...own, use: logOf(useStream(prefix)), ledger: logOf(ledgerStream(prefix)) }
  }
  return openNetworkOver(connect, settings, parts)
}

/** The same over any servers; `connect` is called once everything else is in order. */
export function openNetworkOver(
  connect: (name: string, prefix: string) => Servers,
  { dataDir, roster }: Pick<NetworkSettings, 'dataDir' | 'roster'>,
  parts: Omit<NetworkParts, 'dataDir'>,
): Network | { flaw: string } {
  const files = hubFilesOf(dataDir)
  const identity = readIdentity(dataDir)
  if (identity === null) {
    return { flaw: `${files.key} does not exist: make this hub's identity with \`npm run -s cluster -- identity\`.` }
  }
  if ('flaw' in identity) return identity
  if (roster !== null) {
    const given = readChain(roster)
    if (given === null) return { flaw: `CLUSTER_ROSTER names ${roster}, which does not exist.` }
    if ('flaw' in given) return given
    const flaw = keepChain(dataDir, given)
    if (flaw !== null) return flaw
  }
  const chain = readChain(files.roster)
  if (chain === null) {
    return { flaw: `${files.roster} does not exist: set CLUSTER_ROSTER to the roster file of the network.` }
  }
  if ('flaw' in chain) return chain
  const name = chain.nameOf(identity.key)
  if (name === undefined) {
    const advice = `an authority has to add ${identity.key} with \`npm run -s cluster -- propose add\``
    return { flaw: `This hub is no authority of epoch ${chain.epoch} of its network: ${advice}.` }
  }
  const slot = chain.slotOf(identity.key)!
  if (slot > slotMax) return { flaw: `This network has had more than ${slotMax} hubs: found it anew.` }
  const { system, log } = parts
  const boot = nextBoot(dataDir, system.wallMs())
  if (typeof boot !== 'number') return boot
  const own = { name, boot }
  const servers = connect(name, prefixOf(chain))
  const isForked = hasFork(dataDir)
  const { bus } = servers
  const membership = new Membership({ system, bus, log, dataDir, identity, own, chain, isForked })
  return new Network({ ...parts, dataDir }, servers, membership, slot)
}

/** What the network asks of the engine, before that starts. */
interface IntentEngine {
  shareIntents(log: IntentLog, copies: Store): IntentHost
}

export class Network implements HubNetwork, EdgesNetwork {
  private presence: Presence | null = null
  private sharing: Sharing | null = null
  private hub: SharingHub | null = null
  private host: IntentHost | null = null
  private takeover: Takeover | null = null
  private readonly system: System
  private readonly bus: HubBus
  private readonly log: MembershipLog
  private readonly shared: SharedLog
  private readonly keyLog: SharedLog
  private readonly useLog: SharedLog
  private readonly ledgerLog: SharedLog
  private readonly journal: IntentJournal
  private keySharing: KeySharing | null = null
  private budgetSharing: BudgetSharing | null = null
  private ledgerSharing: LedgerSharing | null = null

  constructor(
    private readonly parts: NetworkParts,
    { bus, shared, keys, use, ledger }: Servers,
    private readonly membership: Membership,
    private readonly slot: number,
  ) {
    this.system = parts.system
    this.log = parts.log
    this.bus = bus
    this.shared = shared
    this.keyLog = keys
    this.useLog = use
    this.ledgerLog = ledger
    this.journal = new IntentJournal({ system: parts.system, log: shared, membership })
  }

  /** Makes the numbers of tasks unique in the network, given the hub's own epoch. */
  taskEpoch(epoch: number): number {
    return taskEpoch(this.slot, epoch)
  }

  /** Durable intents are the network's from now on. Before the engine starts. */
  share(engine: IntentEngine): void {
    this.host = engine.shareIntents(this.journal, this.parts.copies)
  }

  /** Keys and their budgets are the network's from now on. Before the hub listens. */
  shareKeys(keyring: Keyring, store: KeySharingStore, tenants: Tenants): void {
    const { system, membership, log: report } = this
    this.keySharing = new KeySharing({ system, log: this.keyLog, membership, store, keyring, report })
    this.budgetSharing = new BudgetSharing({ system, log: this.useLog, membership, tenants })
  }

  /** What this hub's ledger has is told to the others, and theirs are counted here. Before the start. */
  shareLedger(ledger: OwnLedger): void {
    const { system, membership, log: report } = this
    const { dataDir } = this.parts
    this.ledgerSharing = new LedgerSharing({ system, log: this.ledgerLog, membership, ledger, dataDir, report })
  }

  /** Null where this hub gives no receipts. */
  get ledger(): NetworkLedgerReport | null {
    return this.ledgerSharing
  }

  /** Begins to take part. */
  start(hub: SharingHub): void {
    const { system, bus, membership, log, shared, journal, host } = this
    this.hub = hub
    const sharing = new Sharing({ system, bus, membership, hub })
    this.sharing = sharing
    const onPeer = (change: PeerChange) => {
      this.noteHub(change)
      sharing.note(change)
    }
    const taken = () => this.takeover?.taken ?? 0
    const presence = new Presence({ system, bus, membership, fleet: () => hub.localFleet(), taken, onPeer })
    this.presence = presence
    bus.onState((state) => {
      if (state.isConnected) log.info({ server: state.server }, 'connected to the servers between hubs')
      else log.warn({ why: state.why }, 'apart from the other hubs')
      if (state.isConnected) presence.changed()
      shared.follow()
      this.keyLog.follow()
      this.useLog.follow()
      this.ledgerLog.follow()
    })
    membership.start(() => {
      presence.followed()
      journal.changed()
      this.keySharing?.followed()
      this.ledgerSharing?.followed()
    })
    presence.start()
    sharing.start()
    journal.onState = (why) => {
      if (why === null) log.info({}, 'intents are kept by the servers between hubs')
      else log.warn({ why }, 'no new intents are taken: the servers between hubs cannot keep them')
    }
    journal.start()
    shared.follow()
    this.keyLog.follow()
    this.useLog.follow()
    this.ledgerLog.follow()
    bus.subscribe(`${membership.prefix}.keys.*.*`, () => this.keySharing?.heard())
    this.keySharing?.start()
    this.budgetSharing?.start()
    this.ledgerSharing?.start()
    if (host !== null) {
      const { peers } = presence
      this.takeover = new Takeover({ system, journal, membership, peers, host, log })
      this.takeover.start()
      const wishes = new Wishes({ system, bus, membership, peers, host })
      journal.ask = (hub, wish) => wishes.ask(hub, wish)
      wishes.start()
      const lines = new LineSharing({ system, bus, membership, peers, host })
      journal.lines = (hub, asked) => lines.ask(hub, asked)
      lines.start()
    }
    if (membership.standing === 'forked') log.error({}, 'a fork of the roster is not settled: this hub takes no part')
  }

  /** Addresses of the others, beginning with the one that takes over from this one. */
  otherHubs(): string[] {
    const { chain, own, standing } = this.membership
    if (standing !== 'member') return []
    const urls = new Map(chain.latest.hubs.map(({ name, url }) => [name, url]))
    return circleBehind(own.name, [...urls.keys()])
      .slice(0, welcomeHubsMax)
      .map((name) => urls.get(name)!)
  }

  /** What edges are told. */
  state(): NetworkState {
    const keys = this.keySharing?.state ?? { homes: [], isStale: false, isCurrent: false }
    return { otherHubs: this.otherHubs(), keys }
  }

  keyMet(id: string, print: string): void {
    this.keySharing?.met(id, print)
  }

  /** The hub is leaving: no more work for other hubs begins. */
  drain(reason: string): void {
    this.sharing?.drain(reason)
  }

  async stop(): Promise<void> {
    this.presence?.stop()
    this.sharing?.stop()
    this.takeover?.stop()
    this.keySharing?.stop()
    this.budgetSharing?.stop()
    this.ledgerSharing?.stop()
    this.journal.stop()
    this.membership.stop()
    await this.bus.close()
  }

  counts(): ReturnType<HubNetwork['counts']> {
    return { here: this.presence?.peers.here().length ?? 0, dropped: this.membership.gate.dropped }
  }

  listing(): NetworkListing {
    const { membership, bus } = this
    const { chain, standing, gate } = membership
    const { epoch, threshold, hubs } = chain.latest
    return {
      ...{ network: chain.network, epoch, threshold, standing, dropped: gate.dropped },
      apart: bus.state.isConnected ? null : bus.state.why,
      hubs: hubs.map(({ name, url }) => this.hubListing(name, url)),
    }
  }

  private hubListing(name: string, url: string): HubListing {
    const nothing = { scouts: 0, credits: 0, running: 0, intents: null, borrows: null, models: [], moreModels: 0 }
    if (name === this.membership.own.name) return this.ownListing(name, url)
    const peer = this.presence?.peers.get(name)
    if (peer === undefined) return { ...nothing, name, url, isSelf: false, state: 'unheard', silentMs: null }
    const { scouts, credits, running, intents, models, more } = peer.summary
    const borrows = this.sharing?.loanTo(name) ?? null
    const silentMs = this.system.nowMs() - peer.heardMs
    const known = { scouts, credits, running, intents, borrows, models, moreModels: more }
    return { ...known, name, url, isSelf: false, state: peer.isHere ? 'here' : 'gone', silentMs }
  }

  private ownListing(name: string, url: string): HubListing {
    const fleet = this.hub?.localFleet() ?? { scouts: 0, credits: 0, running: 0, intents: 0, models: [] }
    const { scouts, credits, running } = fleet
    const intents = { open: fleet.intents, taken: this.takeover?.taken ?? 0 }
    const models = fleet.models.map(({ offer, scouts: offerers, idle }) => {
      const { kind, model: id, contextTokens } = offer
      return { id, row: { kind, scouts: offerers, idle, contextTokens } }
    })
    const own = { scouts, credits, running, intents, borrows: null, models, moreModels: 0 }
    return { ...own, name, url, isSelf: true, state: 'here', silentMs: null }
  }

  private noteHub({ peer: { name, boot }, what }: PeerChange): void {
    this.log.info(
      { hub: name, boot },
      what === 'came' ? 'a hub of the network is here' : 'a hub of the network is gone',
    )
  }
}
