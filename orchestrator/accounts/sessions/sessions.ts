/**
 * Sessions: begins, finds and ends them. A session's token exists only in its cookie; its digest is stored, so that a
 * restart ends no session. How long one may go on is counted by the clock that nobody sets as long as the hub
 * remembers it; only what is taken up from the store goes by the wall clock, and never beyond what a session may have.
 */
import {
  clockSlackMs,
  freshSignInMs,
  sessionCacheMax,
  sessionIdleMs,
  sessionMs,
  sessionNoteMs,
  sessionsMax,
} from '../../../shared/limits/keys.ts'
import type { System } from '../../../shared/system.ts'
import type { Keyring } from '../../engine/keyring.ts'
import type { AccountStore, SessionRow } from '../../engine/ports/account-store.ts'
import { type BatchStore, StoreError, type StoreWrite } from '../../engine/ports/store.ts'

/** Who a session is of: an account, or the key that opened it, which may be an account's. */
export interface SessionOwner {
  account: string | null
  key: string | null
  generation: number | null
}

/** A session that is under way; its times by the clock that nobody sets. */
export interface LiveSession {
  row: SessionRow
  /** The key under which it runs, once that was looked up. */
  runsUnder: string | null
  /** When it ends without another request, and at the latest. */
  idleEndMs: number
  endMs: number
  /** Until when it counts as just begun. */
  freshUntilMs: number
  /** When it was last written that it is used. */
  notedMs: number
}

const tokenBytes = 32
const tokenForm = /^[\w-]{43}$/

export class Sessions {
  /** By digest, the least recently added first. */
  private readonly live = new Map<string, LiveSession>()

  constructor(
    private readonly store: AccountStore & BatchStore,
    private readonly keyring: Pick<Keyring, 'digest'>,
    private readonly system: System,
  ) {}

  /** A new session and the writes that store it; `begun` is to be called once they are committed. */
  newSession({ account, key, generation }: SessionOwner): { token: string; row: SessionRow; writes: StoreWrite[] } {
    const token = Buffer.from(this.system.randomBytes(tokenBytes)).toString('base64url')
    const nowMs = this.system.wallMs()
    const times = { createdMs: nowMs, seenMs: nowMs, expiresMs: nowMs + sessionMs }
    const row: SessionRow = { digest: this.digest(token), account, key, generation, ...times }
    const others = this.of(row)
    const tooMany = others.slice(0, Math.max(0, others.length + 1 - sessionsMax))
    const ended = tooMany.map(({ digest }): StoreWrite => ({ write: 'forgetSession', digest }))
    return { token, row, writes: [...ended, { write: 'session', row }] }
  }

  begun(row: SessionRow): LiveSession {
    return this.remember(row)
  }

  /** Null for a token that is nobody's, and once its session is over. Notes that it is used. */
  find(token: string): LiveSession | null {
    if (!tokenForm.test(token)) return null
    const digest = this.digest(token)
    const row = this.live.get(digest)?.row ?? this.store.session(digest)
    if (row === undefined || this.wasSetBack(row)) return null
    const session = this.live.get(digest) ?? this.remember(row)
    const nowMs = this.system.nowMs()
    if (nowMs >= session.idleEndMs || nowMs >= session.endMs) {
      this.forget(digest)
      return null
    }
    session.idleEndMs = nowMs + sessionIdleMs
    if (nowMs - session.notedMs >= sessionNoteMs) this.note(session, nowMs)
    return session
  }

  isFresh({ freshUntilMs }: LiveSession): boolean {
    return this.system.nowMs() < freshUntilMs
  }

  /** All sessions of the same account; without one, of the same key. Oldest first. */
  of({ account, key }: Pick<SessionRow, 'account' | 'key'>): SessionRow[] {
    return this.store.sessionsOf(account === null ? { key: key! } : { account })
  }

  /** Ends these once `writes`, which must forget them, are committed. */
  ended(digests: readonly string[]): void {
    for (const digest of digests) this.live.delete(digest)
  }

  /** Ends the sessions that a key opened. A disk that refuses it leaves rows that no longer work. */
  keyDropped(key: string): void {
    for (const { digest } of this.store.sessionsOf({ key })) this.forget(digest)
  }

  private forget(digest: string): void {
    this.live.delete(digest)
    this.tryCommit({ write: 'forgetSession', digest })
  }

  /** Its last use, in the future, was under another clock: nobody knows how long ago. */
  private wasSetBack({ digest, seenMs }: SessionRow): boolean {
    return !this.live.has(digest) && seenMs > this.system.wallMs() + clockSlackMs
  }

  private remember(row: SessionRow): LiveSession {
    const nowMs = this.system.nowMs()
    const ageMs = (since: number) => Math.max(0, this.system.wallMs() - since)
    const session: LiveSession = {
      row,
      runsUnder: row.key,
      idleEndMs: nowMs + sessionIdleMs - ageMs(row.seenMs),
      endMs: nowMs + sessionMs - ageMs(row.createdMs),
      freshUntilMs: nowMs + freshSignInMs - ageMs(row.createdMs),
      notedMs: nowMs - ageMs(row.seenMs),
    }
    if (this.live.size >= sessionCacheMax) this.live.delete(this.live.keys().next().value!)
    this.live.set(row.digest, session)
    return session
  }

  private note(session: LiveSession, nowMs: number): void {
    session.notedMs = nowMs
    session.row = { ...session.row, seenMs: this.system.wallMs() }
    this.tryCommit({ write: 'session', row: session.row })
  }

  /** What is not written costs an earlier end after a restart, and never a request that goes on. */
  private tryCommit(write: StoreWrite): void {
    try {
      this.store.commit([write])
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
    }
  }

  private digest(token: string): string {
    return sessionDigest(this.keyring, token)
  }
}

/** Under which the session of this token is stored. */
export function sessionDigest(keyring: Pick<Keyring, 'digest'>, token: string): string {
  return keyring.digest(`session ${token}`)
}
