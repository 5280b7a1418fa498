/**
 * A wallet as a browser extension would announce it (EIP-6963), whose key is in the test: what its page asks for is
 * signed here, by viem. It counts what it signed, and can refuse.
 */
import type { BrowserContext } from 'playwright-core'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'

export class FakeWallet {
  readonly signed: string[] = []
  /** What it answers instead of signing. */
  refuses: { code: number; message: string } | null = null
  private readonly account = privateKeyToAccount(generatePrivateKey())

  get address(): string {
    return this.account.address
  }

  /** Puts it into every page of the context that is opened from now on. */
  async install(context: BrowserContext, name = 'Test wallet'): Promise<void> {
    await context.exposeBinding('askWallet', (_, method: string, params: string[]) => this.answer(method, params))
    const info = JSON.stringify({ uuid: crypto.randomUUID(), name, icon: 'data:image/svg+xml,<svg/>', rdns: 'test' })
    await context.addInitScript(`{
      const request = async ({ method, params = [] }) => {
        const { value, error } = await window.askWallet(method, params)
        if (error) throw error
        return value
      }
      const announce = () => window.dispatchEvent(new CustomEvent('eip6963:announceProvider', {
        detail: Object.freeze({ info: Object.freeze(${info}), provider: { request } }),
      }))
      window.addEventListener('eip6963:requestProvider', announce)
      announce()
    }`)
  }

  private async answer(method: string, [message]: string[]): Promise<{ value: unknown } | { error: object }> {
    if (method === 'eth_chainId') return { value: '0x1' }
    if (method === 'eth_accounts' || method === 'eth_requestAccounts') return { value: [this.address] }
    if (method !== 'personal_sign') return { error: { code: -32601, message: 'no such method' } }
    if (this.refuses !== null) return { error: this.refuses }
    this.signed.push(Buffer.from(message!.slice(2), 'hex').toString())
    return { value: await this.account.signMessage({ message: { raw: message as `0x${string}` } }) }
  }
}
