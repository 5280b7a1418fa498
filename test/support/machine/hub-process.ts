/**
 * A hub as a process of its own, which a test may stop and let go on (SIGSTOP, SIGCONT): the product's composition on a
 * clock that may run faster than the real one. What it counts is read where Prometheus reads it.
 */
import { onTestFinished } from 'vitest'
import { temporaryFolder } from './temporary-folder.ts'

const path = (file: string) => JSON.stringify(new URL(`../../../${file}`, import.meta.url).pathname)

interface Ground {
  /** One of its own when absent. */
  dataDir?: string
  /** Where its wall clock begins, so that no test is cut by the end of a real day. */
  wallMs?: number
}

/** Prints where it listens and two keys. */
function program(haste: number, { dataDir, wallMs }: Required<Ground>): string {
  const ways = '{ upgradesPerSecondPerAddress: 1e6, upgradesPerSecond: 1e6, upgradesPerSecondPerOperator: 1e6 }'
  return `
    const { defaultConfig } = await import(${path('orchestrator/config.ts')})
    const { startHub } = await import(${path('orchestrator/main.ts')})
    const { hastySystem } = await import(${path('test/support/clocks/hasty-system.ts')})
    const { pino } = await import('pino')
    const config = { ...defaultConfig(), port: 0, dataDir: ${JSON.stringify(dataDir)}, logLevel: 'silent' }
    const system = { ...hastySystem(${haste}), wallMs: () => Math.round(${wallMs} + performance.now()) }
    const hub = startHub({ config, log: pino({ level: 'silent' }), system, gateway: ${ways} })
    const [clientKey, scoutKey] = ['client', 'scout'].map((role) => hub.keyring.issue(role, 'test').key)
    console.log(JSON.stringify({ url: hub.url, clientKey, scoutKey }))
  `
}

export class HubProcess {
  private constructor(
    private readonly child: Bun.Subprocess,
    readonly url: string,
    readonly clientKey: string,
    readonly scoutKey: string,
  ) {}

  static async start(haste: number, ground: Ground = {}): Promise<HubProcess> {
    const whole = { dataDir: temporaryFolder(), wallMs: Date.now(), ...ground }
    const command = [process.execPath, '-e', program(haste, whole)]
    const child = Bun.spawn(command, { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(async () => {
      child.kill('SIGKILL')
      await child.exited
    })
    let text = ''
    for await (const bytes of child.stdout) {
      text += Buffer.from(bytes).toString()
      if (text.includes('\n')) break
    }
    const { url, clientKey, scoutKey } = JSON.parse(text) as Record<'url' | 'clientKey' | 'scoutKey', string>
    return new HubProcess(child, url, clientKey, scoutKey)
  }

  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.child.kill(name)
  }

  /** `kill -9`: it gets to do nothing more. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.child.exited
  }

  /** A counter or gauge without labels, as `chasm_attempts_total`. */
  async count(name: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text()
    const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]
    if (value === undefined) throw new Error(`the hub counts no ${name}`)
    return Number(value)
  }
}
