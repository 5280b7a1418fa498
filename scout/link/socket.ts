/**
 * The only user of the `ws` package: dials the orchestrator and turns the socket's events into four plain calls.
 * The link decides when to dial and what a close means; a test or a simulator may hand it another `Dial`.
 */
import { type ClientOptions, WebSocket } from 'ws'
import { closeGraceMs, collectEveryBytes, collectRssBytesMax, handshakeTimeoutMs } from '../../shared/limits/scout.ts'
import { frameBytesMax } from '../../shared/limits/wire.ts'
import { proxyFor } from '../../shared/network/proxy-rule.ts'
import { subprotocol } from '../../shared/protocol/frames.ts'
import type { System } from '../../shared/system.ts'
import { proxyFailure } from '../core/network-failures.ts'

/** The events of a dial. After `refused` or `closed` nothing follows. */
interface SocketEvents {
  opened(): void
  /** The upgrade was answered with another HTTP status than 101. */
  refused(status: number): void
  /** One message; null when it was text. */
  message(bytes: Uint8Array | null): void
  /** 1006 when the network failed; `reason` is then the system's code, if there is one. */
  closed(code: number, reason: string): void
}

export interface Socket {
  /** Bytes handed over and not yet with the operating system. */
  readonly bufferedAmount: number
  send(bytes: Uint8Array): void
  /** Ends the dial or the socket; no event is awaited after it. */
  close(code: number, reason: string): void
}

/** Begins a dial; events come later, never during the call. */
export type Dial = (events: SocketEvents) => Socket

/** Dials `url` with the key in the Authorization header, through the proxy that the environment names for it. */
export function websocketDial(url: string, key: string, system: System): Dial {
  return (events) => {
    const proxy = proxyFor(url, process.env)
    const options: ClientOptions & { proxy?: string } = {
      headers: { Authorization: `Bearer ${key}` },
      handshakeTimeout: handshakeTimeoutMs,
      maxPayload: frameBytesMax,
      perMessageDeflate: false,
      // The key is sent to the owner of the certificate, so no variable may switch this check off.
      rejectUnauthorized: true,
      ...(proxy !== null && { proxy }),
    }
    const socket = new WebSocket(url, [subprotocol], options)
    const beganMs = system.nowMs()
    let failure = ''
    socket.on('open', () => events.opened())
    // With this listener, Bun reports neither an error nor a close after it.
    socket.on('unexpected-response', (request, response) => {
      request.destroy()
      events.refused(response.statusCode ?? 0)
    })
    let received = 0
    socket.on('message', (data, isBinary) => {
      events.message(isBinary ? (data as Buffer) : null)
      received += (data as Buffer).length
      if (received < collectEveryBytes) return
      received = 0
      collect()
    })
    socket.on('error', (error: Error & { code?: string }) => {
      // The handshake's own timeout is the one failure that comes without a code.
      const isLate = system.nowMs() - beganMs >= handshakeTimeoutMs
      failure = error.code ?? (isLate ? 'ETIMEDOUT' : error.message)
      // A tunnel that the proxy refuses is reported without a code.
      if (proxy !== null) failure = proxyFailure(error.code ?? (isLate ? 'ETIMEDOUT' : 'ERR_PROXY_TUNNEL')) ?? failure
    })
    socket.on('close', (code, reason) => events.closed(code, reason.length > 0 ? reason.toString() : failure))
    return {
      get bufferedAmount() {
        return socket.bufferedAmount
      },
      send: (bytes) => socket.send(bytes),
      close(code, reason) {
        if (socket.readyState === WebSocket.CONNECTING) return socket.terminate()
        socket.close(code, closeReason(reason))
        // A hub that is frozen never answers the close.
        system.after(closeGraceMs, () => socket.terminate())
      },
    }
  }
}

/** Messages are garbage once they are read, and do not by themselves make the runtime look for it. */
function collect(): void {
  if (process.memoryUsage.rss() <= collectRssBytesMax) Bun.gc(false)
}

/** A close reason holds at most 123 bytes. */
function closeReason(text: string): string {
  return text.replace(/[^ -~]/g, '?').slice(0, 123)
}
