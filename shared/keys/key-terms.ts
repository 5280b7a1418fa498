/**
 * What a key may be used for and how much of it: the vocabulary of scopes and limits, shared by those who set them,
 * keep them and hold requests to them, with the one matcher of their names. Stored as JSON of exactly these shapes,
 * written by the hub alone.
 */

export const scopedRoutes = ['chat', 'embeddings', 'intents', 'responses'] as const
export type ScopedRoute = (typeof scopedRoutes)[number]

/** null: no restriction. */
export interface KeyScopes {
  routes: readonly ScopedRoute[] | null
  /** Names of models, or beginnings of names with `*` behind. */
  models: readonly string[] | null
  /** For a scout's key: the names that its scouts may have. */
  scouts: readonly string[] | null
  /** Its requests are shown to nobody but the scouts that serve them; absent where audits may use them. */
  audit?: false
}

/** As people name them: what is left out is not restricted. */
export type NamedScopes = Partial<Omit<KeyScopes, 'audit'>> & { audit?: boolean | null | undefined }

export const budgetPeriods = ['day', 'week', 'month'] as const

export const budgetUnits = ['tokens', 'micro_dollars'] as const

export interface Budget {
  unit: (typeof budgetUnits)[number]
  /** Of UTC; a week begins on Monday. */
  per: (typeof budgetPeriods)[number]
  /** A whole number of them. */
  amount: number
}

/** null: no limit. */
export interface KeyLimits {
  requestsPerMinute: number | null
  tokensPerMinute: number | null
  /** At most one for each unit and period. */
  budgets: readonly Budget[]
}

export const noScopes: KeyScopes = Object.freeze({ routes: null, models: null, scouts: null })
export const noLimits: KeyLimits = Object.freeze({ requestsPerMinute: null, tokensPerMinute: null, budgets: [] })

/** As the store keeps them; null where nothing is restricted. */
export function storedScopes(scopes: NamedScopes): string | null {
  const { routes = null, models = null, scouts = null } = scopes
  const isNone = routes === null && models === null && scouts === null && isAudited(scopes)
  return isNone ? null : JSON.stringify({ routes, models, scouts, ...(!isAudited(scopes) && { audit: false }) })
}

/** Whether what is asked with it may be asked again of other scouts, to check answers. */
export function isAudited({ audit }: Pick<NamedScopes, 'audit'>): boolean {
  return audit !== false
}

export function storedLimits(limits: KeyLimits): string | null {
  const { requestsPerMinute, tokensPerMinute, budgets } = limits
  const isNone = requestsPerMinute === null && tokensPerMinute === null && budgets.length === 0
  return isNone ? null : JSON.stringify({ requestsPerMinute, tokensPerMinute, budgets })
}

export function scopesOf(stored: string | null): KeyScopes {
  return stored === null ? noScopes : (JSON.parse(stored) as KeyScopes)
}

export function limitsOf(stored: string | null): KeyLimits {
  return stored === null ? noLimits : (JSON.parse(stored) as KeyLimits)
}

/** Whether a name is one of these, or begins as one of them that ends in `*`. */
export function matchesAny(patterns: readonly string[], name: string): boolean {
  for (const pattern of patterns) if (matches(pattern, name)) return true
  return false
}

function matches(pattern: string, name: string): boolean {
  const last = pattern.length - 1
  if (pattern.charCodeAt(last) !== star) return pattern === name
  return name.length >= last && name.startsWith(pattern.slice(0, last))
}

const star = '*'.charCodeAt(0)
