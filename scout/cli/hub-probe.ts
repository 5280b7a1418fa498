/**
 * One look at the orchestrator from this machine, as `doctor` and `init` need it: does it answer, is it one, what time
 * does it think it is, does it take the key. It dials like a scout and hangs up before it says anything, so the hub
 * keeps no trace of it. Every answer is a sentence.
 */
import { checkMs } from '../../shared/limits/command-line.ts'
import { handshakeTimeoutMs } from '../../shared/limits/scout.ts'
import { fetchProxy, proxyFor, proxyName } from '../../shared/network/proxy-rule.ts'
import { closeTable } from '../../shared/protocol/close-codes.ts'
import { scoutPath } from '../../shared/protocol/frames.ts'
import type { System } from '../../shared/system.ts'
import type { ScoutConfig } from '../config.ts'
import { networkFailure, proxyFailure } from '../core/network-failures.ts'
import { finalClose, finalStatus, lossReason, refusedReason } from '../core/refusal.ts'
import { websocketDial } from '../link/socket.ts'

type Address = Pick<ScoutConfig, 'url' | 'key'>

export interface Reach {
  /** What is wrong with the way to the hub; null when nothing is. */
  flaw: string | null
  /** The hub's wall clock minus this machine's; null when it sent none. */
  skewMs: number | null
}

/** Asks the hub for its health, as anybody may. */
export async function reachHub({ url }: Address, system: System): Promise<Reach> {
  const base = baseOf(url)
  const proxy = fetchProxy(base, process.env)
  const unreached = (flaw: string): Reach => ({ flaw: `${base}${wayTo(url)}: ${flaw}.`, skewMs: null })
  try {
    const signal = AbortSignal.timeout(checkMs)
    const response = await fetch(`${base}/healthz`, { redirect: 'manual', signal, proxy })
    await response.body?.cancel()
    if (!response.headers.has('x-chasm')) return unreached(refusedReason(response.status))
    const date = Date.parse(response.headers.get('date') ?? '')
    return { flaw: null, skewMs: Number.isNaN(date) ? null : date - system.wallMs() }
  } catch (error) {
    return unreached(whyUnreached(error, proxy !== false))
  }
}

/** The orchestrator's address for HTTP, without a path of its own. */
export function baseOf(url: string): string {
  return url.replace(/^ws/, 'http').slice(0, -scoutPath.length)
}

/** Why a `fetch` failed, as a clause. */
export function whyUnreached(error: unknown, isByProxy: boolean): string {
  const { code, name } = error as { code?: unknown; name?: string }
  const direct = name === 'TimeoutError' ? 'ETIMEDOUT' : String(code ?? name)
  const cause = isByProxy ? (proxyFailure(direct) ?? direct) : direct
  return networkFailure(cause) ?? `the connection failed (${cause})`
}

/** Through which proxy this machine reaches the address, in brackets; empty when directly. */
export function wayTo(url: string): string {
  const proxy = proxyFor(url, process.env)
  return proxy === null ? '' : ` (through the proxy ${proxyName(proxy)})`
}

/** Tries the key. Null when the hub takes it, else a sentence. */
export function tryKey({ url, key }: Address, system: System): Promise<string | null> {
  return new Promise((resolve) => {
    const because = (reason: string) => resolve(`The key could not be tried: ${reason}.`)
    const timer = system.after(Math.min(checkMs, handshakeTimeoutMs), () => {
      socket.close(closeTable.leaving.code, '')
      because(networkFailure('ETIMEDOUT')!)
    })
    const socket = websocketDial(
      url,
      key,
      system,
    )({
      opened() {
        timer.cancel()
        socket.close(closeTable.leaving.code, '')
        resolve(null)
      },
      refused(status) {
        timer.cancel()
        const final = finalStatus(status)
        if (final === null) because(refusedReason(status))
        else resolve(final)
      },
      closed(code, reason) {
        timer.cancel()
        const final = finalClose(code, reason)
        if (final === null) because(lossReason(code, reason))
        else resolve(final)
      },
      message() {},
    })
  })
}
