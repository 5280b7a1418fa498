/**
 * Trust in a scout with a model as the hub lists it, and the colour that stands for it. Pure.
 */
import type { Level } from '../../parts/panel.tsx'

export interface ScoutTrust {
  scout: string
  model: string
  owner: string
  state: 'new' | 'trusted' | 'watched' | 'confirming' | 'convicted'
  doubt: number
  checks: number
  failed: number
  /** Seconds since 1970. */
  since: number
  /** How an appeal against its conviction stands; null without a conviction. */
  appeal: 'possible' | 'under_way' | 'lost' | null
  /** What that means and what helps. */
  sentences: string[]
}

export interface TrustList {
  mode: 'off' | 'observe' | 'enforce'
  data: ScoutTrust[]
  /** Scouts beyond those that are listed. */
  more: number
  /** For administrators. */
  audits?: {
    asked_24h: number
    settled_24h: number
    /** Null where what checks cost has no bound. */
    spent_usd_24h: number | null
    usd_24h_max: number | null
    pending: number
    dropped: number
    /** Models whose convictions wait. */
    braked: string[]
  } | null
}

export const trustLevels: Record<ScoutTrust['state'], Level> = {
  new: '',
  trusted: 'good',
  watched: 'warn',
  confirming: 'warn',
  convicted: 'bad',
}

export const modeTexts: Record<TrustList['mode'], string> = {
  off: 'This orchestrator does not check answers.',
  observe: 'This orchestrator checks answers and only watches: whoever is doubted gets less work, and nothing else.',
  enforce: 'This orchestrator checks answers: whoever fails many checks gets no work while others offer the model.',
}
