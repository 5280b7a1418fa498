/**
 * How hubs under measurement are configured, whether they are one process (`hub-process.ts`) or several
 * (`hub-part-process.ts`): as a hub comes, but for where it listens and what the environment leaves out of it.
 */
import { type Config, readConfig } from '../../orchestrator/config.ts'

/** What audits and receipts cost shows beside a run with `TRUST=off` or `RECEIPTS=off`; all else is as it comes. */
export function benchConfig(
  { TRUST, RECEIPTS }: Readonly<Record<string, string | undefined>>,
  own: Pick<Config, 'port' | 'dataDir'>,
): Config {
  const config = readConfig({ TRUST, RECEIPTS })
  if (Array.isArray(config)) throw new Error(config.join(' '))
  return { ...config, ...own, host: '0.0.0.0', logLevel: 'silent' }
}
