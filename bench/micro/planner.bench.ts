/**
 * How long the planner takes for its verdict on the heaviest scrolls that fit into a body: the largest that are legal,
 * and those that fill it with one thing. `npm run bench:planner`; the fastest of some runs is shown, since the machine
 * is shared. The time of parsing is not in it; the client edge parses before it plans.
 */
import type { RequestCheck } from '../../orchestrator/engine/ports/planner.ts'
import { chatRequest, embeddingsRequest } from '../../orchestrator/http/schema/openai-requests.ts'
import { refusal } from '../../orchestrator/http/schema/validation.ts'
import { plan } from '../../orchestrator/planner/plan.ts'
import { type HeavyScroll, heavyScrolls } from '../scrolls/heavy-scrolls.ts'

const runs = 7
/** Half a second of one turn is what a hub may stand still for one client. */
const verdictMsMax = 500

const check: RequestCheck = (kind, request) => refusal(kind === 'chat' ? chatRequest : embeddingsRequest, request)

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

function fastestMs({ json }: HeavyScroll): number {
  let fastest = Number.POSITIVE_INFINITY
  for (let run = 0; run < runs; run++) {
    const scroll: unknown = JSON.parse(json)
    const beganMs = performance.now()
    plan({ scroll }, { check, catalog: [], deadlineMs: 60_000 })
    fastest = Math.min(fastest, performance.now() - beganMs)
  }
  return fastest
}

print('| scroll | verdict | ms |')
print('|---|---|--:|')
for (const heavy of heavyScrolls) {
  const ms = fastestMs(heavy)
  print(`| ${heavy.what} | ${heavy.param === null ? 'accepted' : 'refused'} | ${ms.toFixed(1)} |`)
  if (ms <= verdictMsMax) continue
  print(`It takes longer than ${verdictMsMax} ms.`)
  process.exitCode = 1
}
