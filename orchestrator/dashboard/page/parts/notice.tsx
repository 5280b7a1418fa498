/**
 * What a part of a page says instead of its content: that there is nothing, that it is on its way, or what failed.
 */
import type { ComponentChildren } from 'preact'
import type { Refusal } from '../state/api.ts'
import { linkTo } from '../state/router.ts'
import { Icon, type IconName } from './icon.tsx'

interface NoticeProps {
  level?: 'bad' | 'warn' | 'good'
  children: ComponentChildren
}

export function Notice({ level, children }: NoticeProps) {
  const role = level === 'bad' ? 'alert' : 'status'
  return (
    <div class={`notice ${level ?? ''}`} role={role}>
      <Icon name={level === 'good' ? 'check' : 'warn'} />
      <div>{children}</div>
    </div>
  )
}

interface EmptyProps {
  icon: IconName
  text: string
  children?: ComponentChildren
}

export function Empty({ icon, text, children }: EmptyProps) {
  return (
    <div class="empty">
      <Icon name={icon} />
      <p>{text}</p>
      {children}
    </div>
  )
}

/** Lines in the place of what will come. */
export function Pending({ lines = 3 }: { lines?: number }) {
  return (
    <div class="stack" aria-busy="true">
      <span class="hidden-text">Loading</span>
      {Array.from({ length: lines }, (_, at) => (
        <div class="pending" key={at} />
      ))}
    </div>
  )
}

/** A refusal never looks like emptiness. */
export function Refused({ refusal, retry }: { refusal: Refusal; retry?: () => void }) {
  return (
    <Notice level="bad">
      <div class="row">
        <span>
          {refusal.message}
          {refusal.code === 'insufficient_points' && (
            <>
              {' '}
              <a href={linkTo('points/spend')}>Your points</a>
            </>
          )}
        </span>
        {retry && (
          <button type="button" class="button small" onClick={retry}>
            Try again
          </button>
        )}
      </div>
    </Notice>
  )
}

interface FetchedProps<T> {
  from: { data: T | null; refusal: Refusal | null; reload: () => unknown }
  children: (data: T) => ComponentChildren
  lines?: number
}

/** What was fetched, once it is there; meanwhile its place, and why it did not come. Old data stay beside a refusal. */
export function Fetched<T>({ from, children, lines }: FetchedProps<T>) {
  const { data, refusal, reload } = from
  return (
    <>
      {refusal && <Refused refusal={refusal} retry={() => void reload()} />}
      {data !== null ? children(data) : refusal === null && <Pending {...(lines !== undefined && { lines })} />}
    </>
  )
}
