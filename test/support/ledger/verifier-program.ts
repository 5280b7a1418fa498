/** `chasm-verify` as it is handed out: built into one file, and run by Node beside the files that it is to check. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

const builder = join(import.meta.dirname, '../../../verifier/build.ts')

/** To be called where tests are declared. What it gives runs the program in a folder with these words. */
export function builtVerifier(): (folder: string, ...words: string[]) => { status: number | null; said: string } {
  const home = mkdtempSync(join(tmpdir(), 'chasm-verify-'))
  afterAll(() => rmSync(home, { recursive: true, force: true }))
  const program = join(home, 'chasm-verify.mjs')
  const built = Bun.spawnSync([process.execPath, builder, program], { stderr: 'pipe' })
  if (built.exitCode !== 0) throw new Error(`the verifier cannot be built: ${built.stderr.toString()}`)
  return (folder, ...words) => {
    const { status, stdout, stderr } = spawnSync('node', [program, ...words], { encoding: 'utf8', cwd: folder })
    return { status, said: stdout + stderr }
  }
}
