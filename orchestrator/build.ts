/**
 * Makes what of the orchestrator is handed out, into `dist/orchestrator/`: its server and the commands that an operator
 * gives beside it, as bundles for Bun, and the page. `npm run build` and the orchestrator's image run it.
 */
import { join } from 'node:path'
import { bundlePage } from './dashboard/bundle.ts'

const folder = import.meta.dirname
const outdir = join(folder, '../dist/orchestrator')
const commands = ['key', 'backup', 'cluster', 'season']

await Bun.build({
  entrypoints: ['main.ts', ...commands.map((name) => `commands/${name}.ts`)].map((name) => join(folder, name)),
  outdir,
  // The image calls them by name, whatever folder they come from.
  naming: { entry: '[name].[ext]' },
  target: 'bun',
  minify: true,
  splitting: true,
})
await bundlePage(join(outdir, 'page'))
process.stdout.write('dist/orchestrator  main.js, key.js, backup.js, cluster.js, season.js, page/\n')
