/**
 * Panels with a heading, page headings, pills, facts and figures: what most pages are laid out with.
 */
import type { ComponentChildren } from 'preact'

interface PanelProps {
  title?: string
  /** What it is called where several have the same title. */
  label?: string
  about?: string
  actions?: ComponentChildren
  /** Content up to the edges, as tables have it. */
  isFlush?: boolean
  children: ComponentChildren
}

export function Panel({ title, label = title, about, actions, isFlush, children }: PanelProps) {
  return (
    <section class="panel" {...(label !== undefined && { 'aria-label': label })}>
      {title !== undefined && (
        <header class="panel-head">
          <div>
            <h2>{title}</h2>
            {about !== undefined && <p>{about}</p>}
          </div>
          {actions && <div class="actions">{actions}</div>}
        </header>
      )}
      {isFlush ? children : <div class="panel-body">{children}</div>}
    </section>
  )
}

interface PageProps {
  title: string
  about?: ComponentChildren
  actions?: ComponentChildren
  children: ComponentChildren
}

export function Page({ title, about, actions, children }: PageProps) {
  return (
    <div class="page">
      <header class="page-head">
        <div>
          <h1>{title}</h1>
          {about !== undefined && <p>{about}</p>}
        </div>
        {actions && <div class="actions">{actions}</div>}
      </header>
      {children}
    </div>
  )
}

export type Level = 'good' | 'warn' | 'bad' | 'accent' | ''

export function Pill({ level = '', children }: { level?: Level; children: ComponentChildren }) {
  return <span class={`pill ${level}`}>{children}</span>
}

interface StatProps {
  name: string
  value: string
  unit?: string
}

/** What is known of one thing: names, each with its value. */
export function Facts({ of }: { of: readonly (readonly [name: string, value: ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {of.map(([name, value]) => (
        <div class="fact" key={name}>
          <dt>{name}</dt>
          <dd class="name">{value}</dd>
        </div>
      ))}
    </dl>
  )
}

/** Figures side by side; each in a cell of the same size. */
export function Stats({ of }: { of: StatProps[] }) {
  return (
    <dl class="stats">
      {of.map(({ name, value, unit }) => (
        <div class="stat" key={name}>
          <dt>{name}</dt>
          <dd>
            {value} {unit !== undefined && <small>{unit}</small>}
          </dd>
        </div>
      ))}
    </dl>
  )
}
