/**
 * Kills a hub again and again while large scrolls run and some of the scouts flap, lets everything come to its end, and
 * audits the database. Unlike `kill-runs.ts`, what was accepted has long chains of nodes, so that most of a scroll's
 * time is spread over several restarts of the hub.
 */
import { audit, type Findings } from './audit.ts'
import type { HttpLine } from './http-line.ts'
import { Site } from './site.ts'

export interface ScrollKillPlan {
  kills: number
  scrolls: number
  scouts: number
  /** Of them, how many die and come back all the time. */
  flapping: number
}

export interface ScrollKillFigures extends Findings {
  kills: number
  seconds: number
  /** From the first kill on, how many scrolls were over when the last one came. */
  overBeforeLastKill: number
  exitCode: number
}

/** Between a hub that serves and its death. */
const lifeMsMin = 200
const lifeMsMax = 1_200
const flapMsMax = 3_000
const quietWithinMs = 240_000
const lookEveryMs = 100
const scoutKnobs = {
  SCOUT_CONCURRENCY: '16',
  DEMO_FIRST_TOKEN_MS: '100',
  DEMO_TOKENS: '8',
  DEMO_TOKENS_PER_SECOND: '20',
}

/** Layers of a scroll between its first and its last node, and the nodes of each. */
const layers = 12
const breadth = 4

export async function scrollKillRuns(plan: ScrollKillPlan): Promise<ScrollKillFigures> {
  const site = await Site.open()
  try {
    const beginMs = performance.now()
    for (let at = plan.flapping; at < plan.scouts; at++) await site.addScout(`scout-${at}`, scoutKnobs)
    for (let at = 0; at < plan.flapping; at++) await site.addFlapper(`flapper-${at}`, scoutKnobs, flapMsMax)
    const acknowledged: string[] = []
    const line = site.line()
    for (let at = 0; at < plan.scrolls; at++) acknowledged.push(await post(line, at))
    line.close()
    let overBeforeLastKill = 0
    for (let at = 0; at < plan.kills; at++) {
      await Bun.sleep(lifeMsMin + Math.random() * (lifeMsMax - lifeMsMin))
      if (at === plan.kills - 1) overBeforeLastKill = plan.scrolls - (await running(site))
      await site.kill()
      await site.start()
    }
    const endMs = performance.now() + quietWithinMs
    while ((await running(site)) > 0) {
      if (performance.now() > endMs) throw new Error(`not everything was over after ${quietWithinMs} ms`)
      await Bun.sleep(lookEveryMs)
    }
    const seconds = (performance.now() - beginMs) / 1_000
    const exitCode = await site.stop()
    const findings = audit(site.database, acknowledged)
    return { kills: plan.kills, seconds, overBeforeLastKill, exitCode, ...findings }
  } finally {
    await site.close()
  }
}

async function post(line: HttpLine, at: number): Promise<string> {
  const reply = await line.ask('POST', '/v1/intents', scrollOf(at), `idempotency-key: scroll-${at}\r\n`)
  if (reply.status !== 202) throw new Error(`the hub answered ${reply.status}: ${reply.body}`)
  return (JSON.parse(reply.body) as { id: string }).id
}

/** How many intents are not over, at most a page of them. */
async function running(site: Site): Promise<number> {
  const line = site.line()
  const { body } = await line.ask('GET', '/v1/intents?state=running&limit=100')
  line.close()
  return (JSON.parse(body) as { data: unknown[] }).data.length
}

/** Fifty nodes: one, then twelve layers of four, each of which needs two of the layer before, then one that ends it. */
function scrollOf(at: number): string {
  const prompt = `Question ${at}`
  const nodes = [{ id: 'begin', prompt, needs: [] as string[] }]
  for (let layer = 0; layer < layers; layer++) {
    for (let place = 0; place < breadth; place++) {
      const needs = layer === 0 ? ['begin'] : [place, (place + 1) % breadth].map((one) => `n${layer - 1}-${one}`)
      nodes.push({ id: `n${layer}-${place}`, prompt, needs })
    }
  }
  nodes.push({ id: 'end', prompt, needs: Array.from({ length: breadth }, (_, one) => `n${layers - 1}-${one}`) })
  return JSON.stringify({ scroll: { nodes } })
}
