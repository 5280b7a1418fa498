/**
 * One adapter in a process of its own, so that its memory can be measured: asks the service at the given URL once to
 * warm up, then for the answer that is wrong, whole or streamed, and writes the fault and the peak of its memory.
 * Where patience is what has to end, its clock runs a few hundred times as fast as the real one meanwhile.
 */
import { readFileSync } from 'node:fs'
import { hostedService, localService } from '../../../scout/providers/dialects.ts'
import { ServiceProvider } from '../../../scout/providers/service/service-provider.ts'
import { realSystem } from '../../../shared/system.ts'
import { ask, failure } from './provider-calls.ts'

/** What the process says at its end, as one line of JSON. */
export interface ProcessReport {
  code: string
  message: string
  /** Growth of the peak, in bytes, over what it was after an ordinary answer. */
  expansionBytes: number
  /** Whether an ordinary answer came after it. */
  lives: boolean
}

function peakBytes(): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024
}

const [sdk, baseURL, mode, silent] = process.argv.slice(2)
const real = realSystem()
let haste = 1
const hasty = { ...real, after: (delayMs: number, callback: () => void) => real.after(delayMs / haste, callback) }
const provider =
  sdk === 'groq'
    ? new ServiceProvider({ ...hostedService('groq', 'x'), baseURL: baseURL! }, [], hasty)
    : new ServiceProvider(localService('vllm', baseURL!), [], hasty)

const hello = { messages: [{ role: 'user', content: 'hi' }] }
const ordinary = () => ask(provider, hello, { stream: mode === 'streamed' })
for (let i = 0; i < 3; i++) await ordinary()
const before = peakBytes()
if (silent === 'silent') haste = mode === 'streamed' ? 100 : 500
const { code, message } = await failure(ask(provider, { ...hello, wrong: true }, { stream: mode === 'streamed' }))
const expansionBytes = peakBytes() - before
haste = 1
const lives = await ordinary().then(
  () => true,
  () => false,
)
const report: ProcessReport = { code, message, expansionBytes, lives }
process.stdout.write(`${JSON.stringify(report)}\n`)
process.exit(0)
