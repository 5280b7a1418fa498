/** Packages of Debian that a test needs, installed where this process may: as root, with apt. */
export const installMsMax = 400_000

/** Why it cannot be tried; null when it can. */
export function installObstacle(): string | null {
  if (process.getuid?.() === 0 && Bun.which('apt-get') !== null) return null
  return 'it cannot be installed here'
}

/** The last line of what went wrong; null when nothing did. */
export async function installPackages(...names: string[]): Promise<string | null> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const run = async (...args: string[]): Promise<string | null> => {
    const command = ['timeout', String(installMsMax / 1000), 'apt-get', '-qq', ...args]
    const child = Bun.spawn(command, { env, stdin: 'ignore', stdout: 'ignore', stderr: 'pipe' })
    const said = await new Response(child.stderr).text()
    return (await child.exited) === 0 ? null : (said.trim().split('\n').at(-1) ?? 'it failed')
  }
  const packages = ['install', '--yes', '--no-install-recommends', ...names]
  // The list of packages may be there, and current enough.
  if ((await run(...packages)) === null) return null
  return (await run('update')) ?? (await run(...packages))
}
