/**
 * The checks behind `doctor` and `init`: the way to the hub, the key, the clock, each provider and its models, memory,
 * open files, the state folder. All of them run at once and each is over within `checkMs`. They change nothing and
 * send no request that costs anything.
 */
import { readFileSync } from 'node:fs'
import { freemem } from 'node:os'
import {
  checkMs,
  clockSkewMs,
  freeMemoryBytesMin,
  modelsShownMax,
  spareDescriptors,
} from '../../shared/limits/command-line.ts'
import type { System } from '../../shared/system.ts'
import type { Offer } from '../../shared/task.ts'
import type { ScoutConfig } from '../config.ts'
import { configuredProviders, type ProviderSettings } from '../providers/configured.ts'
import { type Provider, ProviderError } from '../providers/provider.ts'
import { openStateFolder, stateFolder } from '../status/state-folder.ts'
import { type Finding, finding } from './findings.ts'
import { reachHub, tryKey, wayTo } from './hub-probe.ts'
import { checkModels } from './setting-checks.ts'

const MiB = 1024 * 1024

/** Reachability, key and clock. */
export async function checkHub(config: Pick<ScoutConfig, 'url' | 'key'>, system: System): Promise<Finding[]> {
  const [{ flaw, skewMs }, keyFlaw] = await Promise.all([reachHub(config, system), tryKey(config, system)])
  if (flaw !== null) {
    const later = 'not checked, because the orchestrator was not reached.'
    return [finding('Hub', 'fail', flaw), finding('Key', 'skip', later), finding('Clock', 'skip', later)]
  }
  return [
    finding('Hub', 'ok', `An orchestrator answers at ${config.url}${wayTo(config.url)}.`),
    keyFlaw === null ? finding('Key', 'ok', 'The orchestrator takes it.') : finding('Key', 'fail', keyFlaw),
    checkClock(skewMs),
  ]
}

export function checkClock(skewMs: number | null): Finding {
  if (skewMs === null) return finding('Clock', 'skip', 'not checked, because the orchestrator told no time.')
  const seconds = Math.round(Math.abs(skewMs) / 1_000)
  if (Math.abs(skewMs) < clockSkewMs) return finding('Clock', 'ok', `${seconds} s from the orchestrator's.`)
  const side = skewMs > 0 ? 'behind' : 'ahead of'
  return finding('Clock', 'warn', `${seconds} s ${side} the orchestrator's: set this machine's clock, by NTP at best.`)
}

/** Every provider with its models, asked at once. */
export async function checkProviders(settings: ProviderSettings, system: System): Promise<Finding[]> {
  const signal = AbortSignal.timeout(checkMs)
  try {
    const { providers, notes } = await configuredProviders(settings, system, signal)
    const looks = await Promise.all(providers.map((provider) => checkProvider(provider, signal)))
    const demo = notes.length > 0 && providers.every(({ name }) => name === 'demo')
    const noted = notes.map((note) => finding('Provider', demo ? 'warn' : 'ok', note))
    // What one that did not answer has is not known.
    const models = looks.every(({ offers }) => offers !== null)
      ? checkModels(
          settings,
          looks.flatMap(({ offers }) => offers ?? []),
        )
      : []
    return [...looks.map(({ found }) => found), ...noted, ...models]
  } catch (error) {
    return [finding('Provider', 'fail', error instanceof Error ? error.message : String(error))]
  }
}

/** What a provider has; null when it could not be asked. */
interface Look {
  found: Finding
  offers: readonly Offer[] | null
}

async function checkProvider(provider: Provider, signal: AbortSignal): Promise<Look> {
  const { name } = provider
  try {
    const offers = await Promise.race([provider.discover(signal), overAt(signal)])
    const found =
      offers.length > 0
        ? finding('Provider', 'ok', `${name} offers ${modelsText(offers)}.`)
        : finding('Provider', 'fail', `${name} has no models: load one there, or correct MODEL if that is set.`)
    return { found, offers }
  } catch (error) {
    return { found: finding('Provider', 'fail', `${name}${whyNot(error, signal)}`), offers: null }
  }
}

function whyNot(error: unknown, signal: AbortSignal): string {
  if (error instanceof ProviderError) return `: ${error.message}`
  if (!signal.aborted) return ` cannot be asked: ${String(error)}`
  const patience = `did not list its models within ${checkMs / 1_000} s`
  return ` ${patience}: look whether it runs and can be reached from here.`
}

function overAt(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
}

function modelsText(offers: readonly Offer[]): string {
  const shown = offers.slice(0, modelsShownMax).map(({ model }) => model)
  const more = offers.length - shown.length
  return `${offers.length === 1 ? '1 model' : `${offers.length} models`}: ${shown.join(', ')}${more > 0 ? ' …' : ''}`
}

/** What this machine gives: memory, open files, a folder for the status socket. */
export function checkMachine(concurrency: number, env: Readonly<Record<string, string | undefined>>): Finding[] {
  return [checkMemory(freeBytes()), checkDescriptors(descriptorLimit(), concurrency), checkStateFolder(env)]
}

export function checkMemory(bytes: number): Finding {
  const text = `${Math.round(bytes / MiB)} MB are free`
  if (bytes >= freeMemoryBytesMin) return finding('Memory', 'ok', `${text}.`)
  const least = `${freeMemoryBytesMin / MiB} MB`
  return finding('Memory', 'warn', `${text}, but a scout wants ${least}: free some, or raise the container's limit.`)
}

/** What this process may still take, under the limit of its container too. */
function freeBytes(): number {
  const limit = process.constrainedMemory()
  const left = limit > 0 ? limit - process.memoryUsage.rss() : Number.POSITIVE_INFINITY
  return Math.max(0, Math.min(freemem(), left))
}

export function checkDescriptors(limit: number | null, concurrency: number): Finding {
  if (limit === null) return finding('Open files', 'skip', 'not checked, because this system does not tell its limit.')
  const wanted = 2 * concurrency + spareDescriptors
  if (limit >= wanted) return finding('Open files', 'ok', `up to ${limit} are allowed.`)
  const advice = `raise it with \`ulimit -n ${wanted}\`, or lower SCOUT_CONCURRENCY`
  return finding(
    'Open files',
    'warn',
    `only ${limit} are allowed, but ${concurrency} tasks at once want more: ${advice}.`,
  )
}

function descriptorLimit(): number | null {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return soft === undefined ? null : Number(soft)
  } catch {
    // Not a Linux.
    return null
  }
}

function checkStateFolder(env: Readonly<Record<string, string | undefined>>): Finding {
  const folder = stateFolder(env)
  const flaw = openStateFolder(folder)
  if (flaw === null) return finding('State', 'ok', `\`status\` and \`drain\` find a scout through ${folder}.`)
  return finding('State', 'warn', `\`status\` and \`drain\` will find no scout: ${flaw}`)
}
