/**
 * Bundles the page into a folder, each file once plain and twice compressed, with names that change with their content.
 * `page-files.ts` runs it as a process of its own, so that the bundler's memory goes when its work is done; the build
 * of the image calls it directly. What is served, and with which headers, is left to `page-files.ts`.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

/** Below this a compressed file is not smaller by anything that a packet would show. */
const compressedFrom = 512
/** One step below the best, which takes three times as long for a percent. */
const brotliQuality = 10

/** Makes the folder anew. Throws what the bundler complains about, as one text. */
export async function bundlePage(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const built = await Bun.build({
    entrypoints: [join(import.meta.dirname, 'page/index.html')],
    outdir: folder,
    target: 'browser',
    publicPath: '/page/',
    minify: true,
    splitting: true,
    naming: { entry: '[name].[ext]', chunk: '[name]-[hash].[ext]', asset: '[name]-[hash].[ext]' },
    define: { 'process.env.NODE_ENV': '"production"' },
    throw: false,
  })
  if (!built.success) throw new Error(built.logs.map(String).join('\n'))
  for (const { path } of built.outputs) compress(path)
}

function compress(path: string): void {
  const bytes = readFileSync(path)
  if (bytes.length < compressedFrom) return
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }))
  const params = { [constants.BROTLI_PARAM_QUALITY]: brotliQuality, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length }
  writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params }))
}

/** Whoever started this holds the other end of its input: when that is let go, nobody is left who wants the folder. */
function leaveWithParent(folder: string): void {
  process.stdin.resume()
  process.stdin.on('end', () => {
    rmSync(folder, { recursive: true, force: true })
    process.exit(1)
  })
}

if (import.meta.main) {
  const [folder, attached] = process.argv.slice(2)
  if (folder === undefined) throw new Error('bundle.ts takes the folder to write to')
  if (attached === 'attached') leaveWithParent(folder)
  try {
    await bundlePage(folder)
    process.exit(0)
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`, () => process.exit(1))
  }
}
