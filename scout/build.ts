/**
 * Makes what of the scout is handed out, into `dist/`: a bundle for machines that have Bun, and single-file executables
 * for those that have nothing. Bun fetches the runtime of another platform through npm; a platform whose runtime cannot
 * be had is skipped with its reason. Beside each of these lies its SHA-256, by which an orchestrator hands it out.
 * `npm run build` and the scout's image run it.
 *
 *   bun scout/build.ts                  the bundle and every platform
 *   bun scout/build.ts here             dist/chasm-scout, for the machine that builds
 *   bun scout/build.ts bundle darwin-arm64
 */
import { rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { scoutPlatforms } from '../shared/scouts/platforms.ts'

const root = join(import.meta.dirname, '..')
const products = ['bundle', 'here', ...scoutPlatforms] as const
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

function isPlatform(product: Product): boolean {
  return (scoutPlatforms as readonly string[]).includes(product)
}

function sumOf(product: Product): string {
  return `${fileOf(product)}.sha256`
}

/** In the form of `sha256sum`. */
async function writeSum(path: string): Promise<void> {
  const hasher = new Bun.CryptoHasher('sha256')
  for await (const part of Bun.file(path).stream()) hasher.update(part)
  writeFileSync(`${path}.sha256`, `${hasher.digest('hex')}  ${basename(path)}\n`)
}

async function main(words: string[]): Promise<void> {
  const unknown = words.find((word) => !isProduct(word))
  if (unknown !== undefined) {
    process.stderr.write(`There is no ${unknown} to build: choose among ${products.join(', ')}.\n`)
    process.exit(2)
  }
  const wanted = words.length > 0 ? words.filter(isProduct) : (['bundle', ...scoutPlatforms] as const)
  for (const product of wanted) {
    for (const path of [fileOf(product), sumOf(product)]) rmSync(path, { recursive: true, force: true })
    try {
      const { outputs } = await build(product)
      const bytes =
        product === 'bundle' ? outputs.reduce((sum, { size }) => sum + size, 0) : statSync(fileOf(product)).size
      if (isPlatform(product)) await writeSum(fileOf(product))
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
