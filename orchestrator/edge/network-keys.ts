/**
 * The network of the hub as an edge knows it, which has no part in it: the brain says which hubs count and how far it
 * has read, and the store of the hub has the keys themselves (`AccountWatch` reads what changes there). So keys of
 * other hubs are good here without a question to anybody.
 */
import type { Keyring } from '../engine/keyring.ts'
import type { NetworkState } from '../engine/ports/network/network-state.ts'
import { type KeyNetwork, keysOfLeft, type SharedKeyStore } from '../engine/ports/network/shared-keys.ts'

interface NetworkKeysParts {
  keyring: Pick<Keyring, 'joinNetwork' | 'changedElsewhere' | 'forgetShared'>
  store: Pick<SharedKeyStore, 'sharedOf'>
  /** Without a brain nobody knows whether the store is up to date. */
  isBrainThere: () => boolean
  /** To the brain, which tells the network. */
  met: (id: string, print: string) => void
}

export class NetworkKeys implements KeyNetwork {
  private homes: ReadonlySet<string> = new Set()
  private state: NetworkState = { otherHubs: [], keys: { homes: [], isStale: false, isCurrent: false } }

  constructor(private readonly parts: NetworkKeysParts) {
    parts.keyring.joinNetwork(this)
  }

  /** Addresses where scouts may dial as well. */
  get otherHubs(): readonly string[] {
    return this.state.otherHubs
  }

  /** From the brain. Keys of hubs that have left the network end, with their sockets and streams. */
  take(state: NetworkState): void {
    const { keyring, store } = this.parts
    const { homes: before, state: last } = this
    this.state = state
    this.homes = new Set(state.keys.homes)
    for (const id of keysOfLeft(before, this.homes, store)) keyring.changedElsewhere(id, true)
    if (state.keys.isStale && !last.keys.isStale) keyring.forgetShared()
  }

  counts(home: string): boolean {
    return !this.state.keys.isStale && this.homes.has(home)
  }

  isCurrent(): boolean {
    return this.state.keys.isCurrent && this.parts.isBrainThere()
  }

  met(id: string, print: string): void {
    this.parts.met(id, print)
  }
}
