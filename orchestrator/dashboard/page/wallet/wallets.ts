/**
 * The wallets of this browser: those that announce themselves (EIP-6963), else the one that older wallets leave in
 * `window.ethereum`. Their names and icons are theirs to choose, so both are shown as text and as an image only.
 */
import { signal } from '@preact/signals'

interface Provider {
  request(asked: { method: string; params?: unknown[] }): Promise<unknown>
}

export interface Wallet {
  id: string
  name: string
  /** A `data:image/…` address; null for anything else. */
  icon: string | null
  provider: Provider
}

interface Announced {
  info?: { uuid?: unknown; name?: unknown; icon?: unknown }
  provider?: Provider
}

const walletsMax = 12
const nameCharsMax = 40

export const wallets = signal<Wallet[]>([])

/** Asks the wallets to announce themselves, as often as one likes; what comes is kept in `wallets`. */
export function discoverWallets(): void {
  addEventListener('eip6963:announceProvider', onAnnounced)
  dispatchEvent(new Event('eip6963:requestProvider'))
  const old = (globalThis as { ethereum?: Provider }).ethereum
  if (wallets.value.length === 0 && old !== undefined) {
    wallets.value = [{ id: 'window', name: 'Browser wallet', icon: null, provider: old }]
  }
}

/** Always the same one, which listens once. */
function onAnnounced(event: Event): void {
  const { info, provider } = (event as CustomEvent<Announced>).detail

  if (typeof provider?.request !== 'function' || typeof info?.uuid !== 'string') return
  const others = wallets.value.filter(({ id }) => id !== info.uuid && id !== 'window')
  if (others.length >= walletsMax) return
  const icon = typeof info.icon === 'string' && /^data:image\/[a-z+.-]+[;,]/.test(info.icon) ? info.icon : null
  const name = typeof info.name === 'string' ? info.name.slice(0, nameCharsMax) : 'Wallet'
  wallets.value = [...others, { id: info.uuid, name, icon, provider }]
}
