/**
 * The hub's page as the hub sees it: requests with its Origin, the cookie that was set last, and a wallet that signs
 * what it is shown. Tests bend single headers to be somebody else.
 */
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'

interface ShownChallenge {
  nonce: string
  message: string
  expires_in: number
}

type Body = Record<string, unknown>

export class OwnPage {
  cookie: string | null = null
  readonly wallet: PrivateKeyAccount

  /** `url` as a browser on this machine would have it. */
  constructor(
    readonly url: string,
    privateKey = generatePrivateKey(),
  ) {
    this.wallet = privateKeyToAccount(privateKey)
  }

  ask(path: string, init: RequestInit = {}): Promise<Response> {
    const fromPage = { origin: this.url, 'sec-fetch-site': 'same-origin' }
    const headers = { ...fromPage, ...(this.cookie !== null && { cookie: this.cookie }), ...init.headers }
    return fetch(this.url + path, { ...init, headers })
  }

  send(method: string, path: string, body: Body | string, headers: Record<string, string> = {}): Promise<Response> {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    return this.ask(path, { method, body: text, headers: { 'content-type': 'application/json', ...headers } })
  }

  /** Keeps the cookie that comes back, as a browser would. */
  async post(path: string, body: Body | string, headers: Record<string, string> = {}): Promise<Response> {
    const response = await this.send('POST', path, body, headers)
    const set = response.headers.get('set-cookie')
    if (set !== null) this.cookie = set.split(';')[0]!
    return response
  }

  async challenge(action: Body = { type: 'sign_in' }, address: string = this.wallet.address): Promise<ShownChallenge> {
    const response = await this.post('/v1/auth/challenge', { address, chain_id: 1, action })
    if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`)
    return (await response.json()) as ShownChallenge
  }

  /** The whole way of one action: asked for, signed, shown. */
  async sign(action: Body = { type: 'sign_in' }): Promise<Response> {
    const { message } = await this.challenge(action)
    return this.post('/v1/auth/verify', { message, signature: await this.wallet.signMessage({ message }) })
  }
}
