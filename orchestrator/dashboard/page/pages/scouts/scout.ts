/**
 * A scout as the hub lists it, and the colour that stands for how it does. Both pages of scouts use it. Pure.
 */

export interface LastHour {
  considered: number
  won: number
  lost: { latency: number; price: number; capacity: number; trust: number }
  done: number
  failed: number
}

export interface Scout {
  id: string
  name: string
  operator: string
  agent: string
  address: string
  connected_at: string
  phase: string
  concurrency: number
  in_flight: number
  done: number
  failed: number
  failure_rate: number
  offers: { model: string; provider: string; kind: string }[]
  last_hour: LastHour
  verdict: string[]
}

const failingRate = 0.2
const worthRate = 0.05

export function dotOf({ failure_rate: share, phase }: Pick<Scout, 'failure_rate' | 'phase'>): string {
  if (share > failingRate) return 'bad'
  return phase !== 'ready' || share > worthRate ? 'warn' : 'good'
}
