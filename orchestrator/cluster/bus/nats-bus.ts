/**
 * The bus over NATS. It dials the servers it is given until one answers, also when all are away at the start, and goes
 * from one to another when its own fails. While it is apart it takes nothing: what hubs tell each other is worthless
 * when it comes late. What a server has not confirmed is counted and bounded, because the client's own buffer is not.
 *
 * Only a hub with CLUSTER_URL loads this file.
 */
import { connect, errors, type NatsConnection } from '@nats-io/transport-node'
import { busBacklogBytesMax, busDialMs, busPingMs, busRetryMs } from '../../../shared/limits/cluster/bus.ts'
import type { System, Timer } from '../../../shared/system.ts'
import type { BusListener, BusState, HubBus } from './bus.ts'

export interface NatsOptions {
  system: System
  /** `host:port`, with a port each. */
  servers: readonly string[]
  /** The servers must show a certificate that this machine trusts; else none is asked for. */
  isSecure: boolean
  /** Shown in the servers' own listings. */
  name: string
  /** Null: the servers ask for none. */
  login: { user: string; password: string } | null
}

interface Subscription {
  pattern: string
  listener: BusListener
}

export class NatsBus implements HubBus {
  state: BusState = { isConnected: false, why: 'no server has answered yet' }
  private readonly subscriptions: Subscription[] = []
  private connection: NatsConnection | null = null
  private unconfirmedBytes = 0
  private isConfirming = false
  private retry: Timer | null = null
  private isClosed = false
  private listener: (state: BusState) => void = () => {}

  constructor(private readonly options: NatsOptions) {
    void this.dial()
  }

  /** For what else is kept at the same servers; null before the first connection and after the end. */
  get connected(): NatsConnection | null {
    return this.connection
  }

  onState(listener: (state: BusState) => void): void {
    this.listener = listener
  }

  publish(subject: string, message: Uint8Array): boolean {
    const { connection } = this
    if (connection === null || !this.state.isConnected) return false
    if (message.length > (connection.info?.max_payload ?? 0)) return false
    if (this.unconfirmedBytes + message.length > busBacklogBytesMax) return false
    connection.publish(subject, message)
    this.unconfirmedBytes += message.length
    void this.confirm(connection)
    return true
  }

  subscribe(pattern: string, listener: BusListener): void {
    const subscription = { pattern, listener }
    this.subscriptions.push(subscription)
    if (this.connection !== null) listen(this.connection, subscription)
  }

  async close(): Promise<void> {
    this.isClosed = true
    this.retry?.cancel()
    const { connection } = this
    if (connection === null) return
    const isOpen = this.state.isConnected
    this.connection = null
    this.enter({ isConnected: false, why: 'this hub is stopping' })
    if (isOpen) {
      const patience = new Promise<void>((resolve) => this.options.system.after(busRetryMs, resolve))
      await Promise.race([connection.flush().catch(() => {}), patience])
    }
    await connection.close()
  }

  private async dial(): Promise<void> {
    const { servers, isSecure, name, login, system } = this.options
    let connection: NatsConnection
    try {
      connection = await connect({
        servers: [...servers],
        name,
        ...(isSecure && { tls: {} }),
        ...(login && { user: login.user, pass: login.password }),
        noEcho: true,
        timeout: busDialMs,
        pingInterval: busPingMs,
        reconnectTimeWait: busRetryMs,
        maxReconnectAttempts: -1,
        // Whoever corrects a password on the servers need not start every hub anew.
        ignoreAuthErrorAbort: true,
        // The client would take down where each question was asked from, before anything has gone wrong.
        noAsyncTraces: true,
      })
    } catch (error) {
      if (this.isClosed) return
      this.enter({ isConnected: false, why: reasonOf(error) })
      this.retry = system.after(busRetryMs, () => void this.dial())
      return
    }
    if (this.isClosed) return connection.close()
    this.connection = connection
    for (const subscription of this.subscriptions) listen(connection, subscription)
    this.enter({ isConnected: true, server: connection.getServer() })
    await this.follow(connection)
  }

  /** Keeps the state up to date for as long as the connection is there; it reconnects by itself. */
  private async follow(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (this.isClosed) return
      if (status.type === 'disconnect') this.enter({ isConnected: false, why: `${status.server} was lost` })
      if (status.type === 'reconnect') {
        this.unconfirmedBytes = 0
        this.enter({ isConnected: true, server: status.server })
      }
    }
  }

  /** One round trip at a time: what was published before it was confirmed with it. */
  private async confirm(connection: NatsConnection): Promise<void> {
    if (this.isConfirming) return
    this.isConfirming = true
    while (this.unconfirmedBytes > 0 && this.state.isConnected) {
      const bytes = this.unconfirmedBytes
      const isConfirmed = await connection.flush().then(
        () => true,
        () => false,
      )
      // The connection was lost meanwhile; with the next one the count begins anew.
      if (!isConfirmed) break
      this.unconfirmedBytes = Math.max(0, this.unconfirmedBytes - bytes)
    }
    this.isConfirming = false
  }

  private enter(state: BusState): void {
    const { state: before } = this
    this.state = state
    const isNews = state.isConnected
      ? !before.isConnected || before.server !== state.server
      : before.isConnected || before.why !== state.why
    if (isNews) this.listener(state)
  }
}

function listen(connection: NatsConnection, { pattern, listener }: Subscription): void {
  connection.subscribe(pattern, {
    callback: (error, message) => {
      if (error === null) listener(message.subject, message.data)
    },
  })
}

/** A clause for people. The client's messages hold no password. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return error instanceof errors.AuthorizationError
    ? `a server refused this hub (${message})`
    : `no server could be reached (${message})`
}
