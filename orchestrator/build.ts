/**
 * Makes what of the orchestrator is handed out, into `dist/orchestrator/`: its server and the commands that an operator
 * gives beside it, as bundles for Bun, and the page. `npm run build` and the orchestrator's image run it.
 */
import { join } from 'node:path'
import { bundlePage } from './dashboard/bundle.ts'

const folder = import.meta.dirname
const outdir = join(folder, '../dist/orchestrator')
const commands = ['key', 'backup', 'cluster', 'season']
/** Threads, which are started by the name of their file. */
const threads = ['steady-flush-thread']

const entries = [
  'main',
  ...commands.map((name) => `commands/${name}`),
  ...threads.map((name) => `store/sqlite/upkeep/${name}`),
]

await Bun.build({
  entrypoints: entries.map((name) => join(folder, `${name}.ts`)),
  outdir,
  // The image calls them by name, whatever folder they come from.
  naming: { entry: '[name].[ext]' },
  target: 'bun',
  minify: true,
  splitting: true,
})
await bundlePage(join(outdir, 'page'))
process.stdout.write('dist/orchestrator  main.js, key.js, backup.js, cluster.js, season.js, page/\n')
