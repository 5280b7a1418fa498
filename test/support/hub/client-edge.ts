/**
 * A real client edge on a free port over a fake engine and a real keyring, with one key of each role, for tests that
 * speak HTTP to it.
 */
import { connect, type Socket } from 'node:net'
import { HubAccounts } from '../../../orchestrator/accounts/accounts.ts'
import { Keyring } from '../../../orchestrator/engine/keyring.ts'
import type { HttpSettings } from '../../../orchestrator/http/request-context.ts'
import { serveHub } from '../../../orchestrator/http/server.ts'
import { planner } from '../../../orchestrator/planner/planner.ts'
import { memoryStore } from '../../../orchestrator/store/memory/store.ts'
import { realSystem, type System } from '../../../shared/system.ts'
import { FakeEngine } from './fake-engine.ts'
import { FakeIntents } from './fake-intents.ts'

interface LogLine {
  level: 'info' | 'warn' | 'error'
  fields: object
  message: string
}

export function startEdge(
  settings: Partial<HttpSettings> = {},
  system: System = realSystem(),
  requestsMax?: () => number,
) {
  const engine = new FakeEngine()
  const intents = new FakeIntents()
  const store = memoryStore()
  const keyring = new Keyring(store, system.randomBytes(32), system)
  const accounts = new HubAccounts({ store, keyring, system, signup: 'open' })
  const keys = {
    client: keyring.issue('client', 'a client').key,
    admin: keyring.issue('admin', 'an admin').key,
    scout: keyring.issue('scout', 'a scout').key,
  }
  const logged: LogLine[] = []
  const logAs = (level: LogLine['level']) => (fields: object, message: string) => {
    logged.push({ level, fields, message })
  }
  const hub = serveHub({
    listen: { host: '127.0.0.1', port: 0 },
    engine,
    intents,
    planner,
    keyring,
    accounts,
    system,
    log: { info: logAs('info'), warn: logAs('warn'), error: logAs('error') },
    upgradeScout: (request, server) =>
      server.upgrade(request, { data: undefined }) ? undefined : new Response('not a websocket', { status: 426 }),
    websocket: { message: (socket, text) => void socket.send(text) },
    settings,
    ...(requestsMax && { requestsMax }),
  })
  keyring.onDropped(hub.keyDropped)
  const ask = (path: string, init: RequestInit = {}, key: string | null = keys.client) =>
    fetch(hub.url + path, { ...init, headers: { ...(key && { authorization: `Bearer ${key}` }), ...init.headers } })
  const post = (path: string, body: unknown, init: RequestInit = {}, key?: string | null) =>
    ask(
      path,
      {
        method: 'POST',
        body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
        ...init,
        headers: { 'content-type': 'application/json', ...init.headers },
      },
      key,
    )
  return { engine, intents, store, accounts, keyring, keys, logged, hub, ask, post }
}

export type TestEdge = ReturnType<typeof startEdge>

/** A connection of bytes, for what `fetch` would not send or would read too eagerly. */
export function rawConnection(edge: TestEdge): Socket {
  return connect(edge.hub.port, '127.0.0.1')
}

export function rawChat(edge: TestEdge, request: object): string {
  const body = JSON.stringify(request)
  return [
    'POST /v1/chat/completions HTTP/1.1',
    'host: hub',
    `authorization: Bearer ${edge.keys.client}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n')
}

/** The request as JSON of so many bytes. */
export function padded(request: object, bytes: number): string {
  const text = JSON.stringify({ ...request, pad: '' })
  return text.replace('"pad":""', `"pad":"${'x'.repeat(bytes - text.length)}"`)
}
