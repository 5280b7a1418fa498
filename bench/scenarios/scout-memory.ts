/**
 * How large one scout is, in each form it is handed out in: with Groq at rest, after 200 streamed tasks at 8 in
 * parallel, at the peak of requests as large as a scout takes by default, and with every provider configured at rest.
 * Read from /proc. RSS counts the pages of the program's own file that are mapped, two thirds of the whole; PSS counts
 * a page that others map too by their share.
 */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bodyBytesMax } from '../../shared/limits/wire.ts'
import { GroqStandIn } from '../fleet/groq-stand-in.ts'
import type { HubUnderTest } from '../fleet/hub.ts'
import { sleep } from '../load/calls.ts'
import { rssOfPid } from '../load/child.ts'
import { type Cell, type Result, round, type Scenario } from './scenario.ts'
import { onStage } from './stage.ts'

const tasks = 200
const atOnce = 8
const settleMs = 2_500
/** Large requests: so many in all and at once, of so many bytes. The last is an image of 20 MB, in base64. */
const largeLoads = [
  { name: '1 x 4 MiB', count: 1, together: 1, bytes: bodyBytesMax },
  { name: '4 x 4 MiB', count: 8, together: 4, bytes: bodyBytesMax },
  { name: '1 x 27 MB', count: 1, together: 1, bytes: 26_700_000 },
]
const root = new URL('../../', import.meta.url).pathname
const executable = join(root, 'dist/chasm-scout')

interface Form {
  name: string
  command: string[]
  /** Run from a copy that was written a moment ago. */
  copied?: true
  allProviders?: true
}

const forms: Form[] = [
  { name: 'source', command: [process.execPath, join(root, 'scout/main.ts')] },
  { name: 'bundle', command: [process.execPath, join(root, 'dist/scout/executable.js')] },
  { name: 'executable', command: [executable] },
  { name: 'executable, just copied', command: [executable], copied: true },
  { name: 'executable, all providers', command: [executable], allProviders: true },
]

export const scoutMemory: Scenario = {
  name: 'scout-memory',
  about: 'Memory of one scout process, from source and as it is handed out.',
  run: (options, say) =>
    onStage(options, say, async (stage): Promise<Result> => {
      build()
      const hub = await stage.hub()
      const groq = new GroqStandIn()
      const rows: Cell[][] = []
      try {
        for (const form of forms) {
          rows.push([form.name, ...(await measured(form, hub, groq))])
          say(form.name)
        }
      } finally {
        await groq.close()
      }
      const shipped = rows.find(([name]) => name === 'executable')!
      return {
        columns: [
          ...['form', 'connected ms', 'rest RSS MB', 'rest PSS MB', 'after RSS MB', 'after PSS MB', 'peak RSS MB'],
          ...largeLoads.map(({ name }) => `peak at ${name}`),
        ],
        rows,
        figures: {
          scoutRestRss: Number(shipped[2]),
          scoutRss: Number(shipped[4]),
          scoutLargeRss: Number(shipped[7]),
        },
        notes: [
          `After: ${tasks} streamed tasks of 64 chunks, ${atOnce} at once, and ${settleMs / 1_000} s of rest. Then`,
          'requests about an image: one of the largest size that is taken by default, eight of them, four at once, and',
          'one with an image of 20 MB (with SCOUT_REQUEST_MAX_MIB=32).',
          'What is promised is the RSS of the executable, which the image holds as well. Its file is read from the',
          'disk as it is needed, as after a boot; of a file that was just copied the kernel maps more than is used.',
        ],
      }
    }),
}

function build(): void {
  const built = Bun.spawnSync([process.execPath, join(root, 'scout/build.ts'), 'bundle', 'here'], { stderr: 'inherit' })
  if (built.exitCode !== 0) throw new Error('the scout cannot be built')
}

async function measured(form: Form, hub: HubUnderTest, groq: GroqStandIn): Promise<Cell[]> {
  const folder = mkdtempSync(join(tmpdir(), 'chasm-bench-scout-'))
  const command = await prepared(form, folder)
  const beganMs = performance.now()
  const scout = Bun.spawn(command, {
    cwd: folder,
    env: environment(form, hub, groq, folder),
    stdio: ['ignore', 2, 2],
  })
  try {
    while ((await hub.stats()).scouts === 0) {
      if (scout.exitCode !== null) throw new Error(`the ${form.name} ended with code ${scout.exitCode}`)
      await sleep(5)
    }
    const connectedMs = performance.now() - beganMs
    await sleep(settleMs)
    const rest = memoryOf(scout.pid)
    if (form.allProviders) return [round(connectedMs), ...rest, ...Array<Cell>(3 + largeLoads.length).fill('')]
    await load(hub, questionTo(groq.model), tasks, atOnce)
    await sleep(settleMs)
    const usual = [...memoryOf(scout.pid), round(rssOfPid(scout.pid).peakMb)]
    const peaks: Cell[] = []
    for (const { count, together, bytes } of largeLoads) {
      forgetPeak(scout.pid)
      await load(hub, largeQuestionTo(groq.model, bytes), count, together)
      peaks.push(round(rssOfPid(scout.pid).peakMb))
      await sleep(settleMs)
    }
    return [round(connectedMs), ...rest, ...usual, ...peaks]
  } finally {
    scout.kill('SIGKILL')
    await scout.exited
    while ((await hub.stats()).scouts > 0) await sleep(20)
    rmSync(folder, { recursive: true })
  }
}

/** The command, with its program's file out of the page cache, or as a copy that is wholly in it. */
async function prepared({ command, copied }: Form, folder: string): Promise<string[]> {
  const [file, ...args] = command as [string, ...string[]]
  if (copied) {
    const copy = join(folder, 'chasm-scout')
    copyFileSync(file, copy)
    return [copy, ...args]
  }
  for (const drop of [
    ['sync', file],
    ['dd', `if=${file}`, 'iflag=nocache', 'count=0', 'status=none'],
  ]) {
    await Bun.spawn(drop).exited
  }
  return command
}

function environment({ allProviders }: Form, hub: HubUnderTest, groq: GroqStandIn, folder: string) {
  return {
    PATH: process.env.PATH ?? '',
    ORCHESTRATOR_URL: `http://127.0.0.1:${hub.port}`,
    SCOUT_KEY: hub.scoutKey,
    SCOUT_CONCURRENCY: String(atOnce),
    SCOUT_REQUEST_MAX_MIB: '32',
    SCOUT_STATE_DIR: join(folder, 'state'),
    LOG_LEVEL: 'error',
    ...groq.env,
    ...(allProviders && {
      OPENROUTER_API_KEY: 'none',
      OPENAI_API_KEY: 'none',
      VLLM_URL: 'http://127.0.0.1:9/v1',
      OLLAMA_URL: 'http://127.0.0.1:9/v1',
      LMSTUDIO_URL: 'http://127.0.0.1:9/v1',
      LLAMACPP_URL: 'http://127.0.0.1:9/v1',
    }),
  }
}

function questionTo(model: string): string {
  return JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: 'hello' }] })
}

/** About an image, of so many bytes in all. */
function largeQuestionTo(model: string, bytes: number): string {
  const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,' } }
  const content = [{ type: 'text', text: 'What is this?' }, image]
  const question = { model, stream: true, messages: [{ role: 'user', content }] }
  image.image_url.url += 'iVBORw0K'.repeat(Math.floor((bytes - JSON.stringify(question).length) / 8))
  return JSON.stringify(question)
}

async function load(hub: HubUnderTest, body: string, count: number, together: number): Promise<void> {
  const { port, path, key } = hub.target([])
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  let left = count
  const client = async () => {
    while (left-- > 0) {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', headers, body })
      const text = await response.text()
      if (!text.includes('[DONE]')) throw new Error(`a task failed: ${text.slice(0, 300)}`)
    }
  }
  await Promise.all(Array.from({ length: together }, client))
}

/** From now on the peak of this process is measured anew. */
function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

/** RSS and PSS in MB. */
function memoryOf(pid: number): [number, number] {
  const pss = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]
  return [round(rssOfPid(pid).rssMb), round(Number(pss) / 1024)]
}
