/**
 * What the edges of a hub have to know of its network. The brain holds the connection to the servers between hubs and
 * tells its edges whenever this is another; what keys allow they read in the store.
 */

export interface NetworkState {
  /** Addresses where scouts may dial as well, the first one first. */
  otherHubs: readonly string[]
  keys: KeyNetworkState
}

/** Which keys of other hubs count. */
export interface KeyNetworkState {
  /** Identities of the hubs that are authorities now. */
  homes: readonly string[]
  /** The brain was apart for too long to know what was revoked: none of them count. */
  isStale: boolean
  /** Everything that other hubs have made is in the store. */
  isCurrent: boolean
}

/** What edges need of their hub's network. */
export interface EdgesNetwork {
  state(): NetworkState
  /** An edge has met a key of this hub that was made by an older program, and that the network knows by this print. */
  keyMet(id: string, print: string): void
}
