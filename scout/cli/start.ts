/**
 * `chasm-scout start`, and what a scout without a command does: reads `.env` and the environment, and runs a scout
 * with the providers they configure. How it runs as a process is `process.ts`'s.
 */

import { loadEnvFile } from '../../shared/env-file.ts'
import { realSystem } from '../../shared/system.ts'
import { readConfig } from '../config.ts'
import { refuse, runScout } from '../process/process.ts'
import { configuredProviders, readProviderSettings } from '../providers/configured.ts'

export async function start(): Promise<void> {
  const flaw = loadEnvFile(process.cwd(), process.env)
  if (flaw !== null) return refuse([flaw])
  const config = readConfig(process.env)
  const settings = readProviderSettings(process.env)
  if (Array.isArray(config) || Array.isArray(settings)) {
    return refuse([config, settings].flatMap((read) => (Array.isArray(read) ? (read as string[]) : [])))
  }
  const system = realSystem()
  await runScout(
    config,
    async (log, signal) => {
      const { providers, notes } = await configuredProviders(settings, system, signal)
      for (const note of notes) log.info({}, note)
      return providers
    },
    system,
  )
}
