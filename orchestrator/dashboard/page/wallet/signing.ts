/**
 * Signing with a wallet: the hub writes the whole text, bound to what is to be done; the wallet shows and signs it; the
 * hub checks and does it. What goes wrong in the wallet becomes a sentence; what the hub refuses is its own sentence.
 */
import { ask, Refusal } from '../state/api.ts'
import { type Wallet, wallets } from './wallets.ts'

/** What a signature may do; see `POST /v1/auth/challenge`. */
export type Action =
  | { type: 'sign_in' }
  | { type: 'make_key'; key: object }
  | { type: 'regenerate_key'; id: string; generation: number }

const declined = 4001
const pending = -32002

/** Signs and carries out. `address`: the account that has to sign; null for the wallet's first. Throws a refusal. */
export async function performSigned<T>(wallet: Wallet, action: Action, address: string | null = null): Promise<T> {
  const { provider } = wallet
  const signer = address ?? (await firstAccount(wallet))
  const chain = Number.parseInt(String(await asked(provider.request({ method: 'eth_chainId' }))), 16) || 1
  const { message } = await ask<{ message: string }>('/v1/auth/challenge', {
    method: 'POST',
    body: { address: signer, chain_id: chain, action },
  })
  const bytes = [...new TextEncoder().encode(message)].map((byte) => byte.toString(16).padStart(2, '0'))
  const params = [`0x${bytes.join('')}`, signer]
  const signature = await asked(provider.request({ method: 'personal_sign', params }))
  return ask<T>('/v1/auth/verify', { method: 'POST', body: { message, signature } })
}

/** The wallet to sign with when the session knows its account: the only one, or the first that has that account. */
export async function walletOf(address: string): Promise<Wallet> {
  for (const wallet of wallets.value) {
    const accounts = await wallet.provider.request({ method: 'eth_accounts' }).catch(() => [])
    const known = Array.isArray(accounts) ? accounts.map((one) => String(one).toLowerCase()) : []
    if (known.includes(address.toLowerCase())) return wallet
  }
  const [first] = wallets.value
  if (first !== undefined) {
    // A wallet that is locked, or that has forgotten this page, signs nothing before it was asked for its accounts.
    await asked(first.provider.request({ method: 'eth_requestAccounts' }))
    return first
  }
  throw new Refusal(0, 'There is no wallet in this browser: open the page where your wallet is.')
}

async function firstAccount({ provider }: Wallet): Promise<string> {
  const accounts = await asked(provider.request({ method: 'eth_requestAccounts' }))
  const [first] = Array.isArray(accounts) ? (accounts as unknown[]) : []
  if (typeof first === 'string') return first
  throw new Refusal(0, 'The wallet has no account: make one in it, then try again.')
}

/** What the wallet answers; what it throws becomes a sentence. */
async function asked(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer
  } catch (error) {
    const { code, message } = error as { code?: number; message?: string }
    if (code === declined) throw new Refusal(0, 'You declined; nothing happened.')
    if (code === pending) throw new Refusal(0, 'Your wallet is waiting: open it.')
    throw new Refusal(0, `The wallet could not do this: ${(message ?? 'no reason given').slice(0, 200)}`)
  }
}
