/**
 * The parts that are measured without a network, by programs of their own beside this folder: the codec, the core, the
 * store. Here they are run as they are and their output is kept.
 */
import { existsSync } from 'node:fs'
import { programPath } from '../../load/child.ts'
import type { Cell, Result, Scenario } from '../scenario.ts'

function program(name: string, about: string): Scenario {
  return {
    name,
    about,
    async run(_options, say): Promise<Result> {
      const path = programPath(`micro/${name}.bench.ts`)
      if (!existsSync(path)) return { columns: [], rows: [], figures: {}, notes: [`There is no ${name} bench yet.`] }
      const child = Bun.spawn([process.execPath, path], { stdio: ['ignore', 'pipe', 2] })
      const text = await new Response(child.stdout).text()
      if ((await child.exited) !== 0) throw new Error(`the ${name} bench failed`)
      say(`the ${name} bench is through`)
      return tableIn(text)
    },
  }
}

/** The first Markdown table of a text; what stands around it are notes. */
function tableIn(text: string): Result {
  const lines = text.split('\n').map((line) => line.trim())
  const cellsOf = (line: string): Cell[] =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim())
  const table = lines.filter((line) => line.startsWith('|')).map(cellsOf)
  const notes = lines.filter((line) => line !== '' && !line.startsWith('|'))
  return { columns: (table[0] ?? []).map(String), rows: table.slice(2), figures: {}, notes }
}

export const codec = program('codec', 'Frames of the protocol against JSON.')
export const core = program('core', 'The state machine alone, in events per second.')
export const store = program('store', 'The store alone, every commit on disk.')
