/**
 * What the page costs by itself, without a fleet: its files and their bundling, its first load in a browser where there
 * is one, the drawing of a large run, and what a wallet's signature costs the hub. The scenario puts bounds to it.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { signatureOf, signerOf } from '../../../orchestrator/accounts/wallet/ethereum.ts'
import { boxesOf } from '../../../orchestrator/dashboard/page/run/groups.ts'
import { layOut } from '../../../orchestrator/dashboard/page/run/layout.ts'
import { RunState } from '../../../orchestrator/dashboard/page/run/run-state.ts'
import { PageStage } from '../../../test/dashboard/page-stage.ts'
import { median } from '../scenario.ts'

const bundler = join(import.meta.dirname, '../../../orchestrator/dashboard/bundle.ts')

/** Milliseconds of one bundling in its process, and KiB of all files as gzip carries them. */
export function bundle(): { ms: number; all: number } {
  const folder = mkdtempSync(join(tmpdir(), 'chasm-bench-page-'))
  const built = join(folder, 'page')
  try {
    const beganMs = performance.now()
    const child = Bun.spawnSync([process.execPath, '--no-env-file', bundler, built])
    const ms = performance.now() - beganMs
    if (child.exitCode !== 0) throw new Error(child.stderr.toString())
    const plain = readdirSync(built).filter((name) => !/\.(br|gz)$/.test(name))
    const weights = plain.map((name) => gzipSync(readFileSync(join(built, name)), { level: 9 }).length)
    return { ms, all: weights.reduce((sum, bytes) => sum + bytes, 0) / 1_024 }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What a visitor's browser asks for until the page says how many scouts there are: requests, KiB, milliseconds. */
export async function firstLoad(chromium: string, rounds: number) {
  const stage = await PageStage.open(chromium)
  try {
    const loads: { requests: number; weight: number; ms: number }[] = []
    for (let round = 0; round < rounds; round++) {
      const context = await stage.context()
      const page = await context.newPage()
      const sizes: Promise<number>[] = []
      page.on('requestfinished', (request) => {
        sizes.push(request.sizes().then(({ responseBodySize }) => responseBodySize))
      })
      const beganMs = performance.now()
      await page.goto(stage.hub.url)
      await page.getByRole('heading', { level: 1 }).waitFor()
      const ms = performance.now() - beganMs
      const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
      loads.push({ requests: sizes.length, weight: bytes / 1_024, ms })
      await context.close()
    }
    const of = (figure: keyof (typeof loads)[number]) => median(loads.map((load) => load[figure]))
    return { requests: of('requests'), weight: of('weight'), ms: of('ms') }
  } finally {
    await stage.close()
  }
}

/** Of a run in stages, as many boxes as a graph has at most: milliseconds for its events, and for its layout. */
export function drawRun(nodes: number): { nodes: number; events: number; layout: number } {
  const stages = 29
  const width = Math.floor(nodes / stages) - 1
  const planned = Array.from({ length: stages }, (_, stage) => {
    const before = stage === 0 ? [] : [`join.${stage - 1}`]
    const parts = Array.from({ length: width }, (_part, at) => ({ node: `s${stage}.${at}`, model: 'm', needs: before }))
    return [...parts, { node: `join.${stage}`, model: 'm', needs: parts.map(({ node }) => node) }]
  }).flat()
  const beganMs = performance.now()
  const run = new RunState()
  run.apply('planned', { at_ms: 0, nodes: planned }, 0)
  for (const { node } of planned) {
    run.apply('task_started', { at_ms: 1, node, attempt: 1, scout: 'k/ant' }, 0)
    run.apply('task_settled', { at_ms: 2, node, state: 'done' }, 0)
  }
  const boxes = boxesOf(run.nodes)
  if (boxes === null) throw new Error('the run is a list, not a graph')
  const groupedMs = performance.now()
  layOut(boxes)
  return { nodes: planned.length, events: groupedMs - beganMs, layout: performance.now() - groupedMs }
}

/** Milliseconds to find out who signed a text. */
export async function verifySignature(rounds: number): Promise<number> {
  const account = privateKeyToAccount(generatePrivateKey())
  const message = 'hub.example wants you to sign in with your Ethereum account.'
  const signature = signatureOf(await account.signMessage({ message }))!
  const times = Array.from({ length: rounds * 10 }, () => {
    const beganMs = performance.now()
    if (signerOf(message, signature) !== account.address.toLowerCase()) throw new Error('another one signed')
    return performance.now() - beganMs
  })
  return median(times)
}
