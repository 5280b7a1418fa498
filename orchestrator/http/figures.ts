/**
 * What a process that holds sockets has counted, on its way to the one that shows it: `/metrics`, the charts, the
 * newest answers. An edge takes its own once a second, the brain adds them to what it counts itself.
 */

import type { Recent } from './live/recent-answers.ts'
import type { TrafficCounts } from './live/traffic.ts'
import type { Edge } from './request-context.ts'

/** Plain data. */
export interface Figures {
  /** Since the start of the process, as the library of the metrics exports them. */
  metrics: unknown[]
  /** Since the last time. */
  traffic: TrafficCounts
  recent: [tenant: string, Recent][]
}

type Counting = Pick<Edge, 'metrics' | 'traffic' | 'recent'>

export async function figuresOf({ metrics, traffic, recent }: Counting): Promise<Figures> {
  const exported = await metrics.exported()
  return { metrics: exported, traffic: traffic.take(), recent: recent.take() }
}

/** All but the metrics, which are not added up but replaced. */
export function addFigures({ traffic, recent }: Counting, figures: Omit<Figures, 'metrics'>): void {
  traffic.add(figures.traffic)
  for (const [tenant, noted] of figures.recent) recent.add(tenant, noted)
}
