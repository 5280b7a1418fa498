/**
 * Makes what of the scout is handed out, into `dist/`: a bundle for machines that have Bun, and single-file executables
 * for those that have nothing. Bun fetches the runtime of another platform through npm; a platform whose runtime cannot
 * be had is skipped with its reason. `npm run build` and the scout's image run it.
 *
 *   bun scout/build.ts                  the bundle and every platform
 *   bun scout/build.ts here             dist/chasm-scout, for the machine that builds
 *   bun scout/build.ts bundle darwin-arm64
 */
import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const platforms = ['linux-x64', 'linux-arm64', 'darwin-arm64'] as const
const products = ['bundle', 'here', ...platforms] as const
type Product = (typeof products)[number]

/** Chunks of their own keep what is loaded lazily, such as an SDK, out of memory until it is. */
const common: Bun.BuildConfig = {
  entrypoints: [join(root, 'scout/executable.ts')],
  target: 'bun',
  minify: true,
  splitting: true,
}

function build(product: Product): Promise<Bun.BuildOutput> {
  if (product === 'bundle') return Bun.build({ ...common, outdir: fileOf(product) })
  const outfile = fileOf(product)
  // The folder a scout is started in holds its settings, and no code to run.
  const compile = { outfile, autoloadBunfig: false, autoloadDotenv: false }
  return Bun.build({
    ...common,
    compile: product === 'here' ? compile : { ...compile, target: `bun-${product}` },
  })
}

function fileOf(product: Product): string {
  if (product === 'bundle') return join(root, 'dist/scout')
  return join(root, product === 'here' ? 'dist/chasm-scout' : `dist/chasm-scout-${product}`)
}

function isProduct(word: string): word is Product {
  return (products as readonly string[]).includes(word)
}

async function main(words: string[]): Promise<void> {
  const unknown = words.find((word) => !isProduct(word))
  if (unknown !== undefined) {
    process.stderr.write(`There is no ${unknown} to build: choose among ${products.join(', ')}.\n`)
    process.exit(2)
  }
  const wanted = words.length > 0 ? words.filter(isProduct) : (['bundle', ...platforms] as const)
  for (const product of wanted) {
    rmSync(fileOf(product), { recursive: true, force: true })
    try {
      const { outputs } = await build(product)
      const bytes =
        product === 'bundle' ? outputs.reduce((sum, { size }) => sum + size, 0) : statSync(fileOf(product)).size
      say(`${fileOf(product).slice(root.length + 1)}  ${(bytes / 1e6).toFixed(1)} MB`)
    } catch (error) {
      const why = error instanceof AggregateError ? error.errors.map(String).join('; ') : String(error)
      say(`${product} is skipped: ${why}`)
      // It is an error when the target was asked for by its name.
      if (words.length > 0 || product === 'bundle') process.exitCode = 1
    }
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

await main(process.argv.slice(2))
