/**
 * An image built from one of the Dockerfiles and run without an engine: buildah builds it, and a mount namespace of its
 * own gives its process what an engine would: the image's files read-only, a /tmp in memory, the image's user, folder
 * and variables. Needs root, buildah, and the Dockerfile's base among its images; `imagesNeed` says what is missing.
 */
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { Program } from './programs.ts'
import { temporaryFolder } from './temporary-folder.ts'

const root = join(import.meta.dirname, '../../..')
const buildah = ['buildah', '--storage-driver', 'vfs']
const base = 'docker.io/oven/bun:1.4.5-slim'

/** Why images cannot be built and run here, or null. */
export function imagesNeed(): string | null {
  if (process.env.IMAGES !== '1') return 'set IMAGES=1 to build and run both images, which takes a minute'
  if (process.getuid?.() !== 0) return 'run as root: without an engine only root may mount'
  const missing = ['buildah', 'unshare', 'nsenter'].find((name) => Bun.which(name) === null)
  if (missing !== undefined) return `install ${missing}`
  const found = Bun.spawnSync([...buildah, 'inspect', '--type', 'image', base])
  return found.exitCode === 0 ? null : `pull ${base} with buildah, or make such an image and tag it so`
}

interface ImageConfig {
  Env: string[]
  Entrypoint: string[]
  /** User and group, as numbers. */
  User: string
  WorkingDir: string
  Healthcheck: { Test: string[] }
}

export class Image {
  private constructor(
    readonly config: ImageConfig,
    /** The folder that holds its files. */
    readonly files: string,
  ) {}

  static build(side: 'scout' | 'orchestrator'): Image {
    const tag = `chasm-${side}-test`
    const how = ['--isolation', 'chroot', '--format', 'docker', '--pull-never', '-f', join(root, `Dockerfile.${side}`)]
    output([...buildah, 'build', ...how, '-t', tag, root])
    const inspected = JSON.parse(output([...buildah, 'inspect', '--type', 'image', tag]))
    const container = output([...buildah, 'from', '--pull-never', tag])
    onTestFinished(() => void output([...buildah, 'rm', container]))
    return new Image(inspected.Docker.config, output([...buildah, 'mount', container]))
  }

  /** Its entry point, read-only but for /tmp and what `writable` names. */
  run(env: Record<string, string>, writable: string[] = []): Program {
    const { files, config } = this
    const owner = config.User.replace(/(\d+):(\d+)/, 'uid=$1,gid=$2')
    const mounts = [
      'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
      `mkdir -p ${files}/proc ${files}/dev`,
      `mount --bind ${files} ${files}`,
      `mount -o remount,ro,bind ${files}`,
      ...['/tmp', ...writable].map((path) => `mount -t tmpfs -o ${owner} tmpfs ${files}${path}`),
      `mount -t proc proc ${files}/proc`,
      `mount --rbind /dev ${files}/dev`,
      `exec "$@"`,
    ]
    const enter = [`--root=${files}`, `--wd=${files}${config.WorkingDir}`]
    const script = ['unshare', '--mount', 'sh', '-c', mounts.join(' && '), 'sh']
    return this.program([...script, ...this.inside(enter, config.Entrypoint)], env)
  }

  /** A command beside the running one, as `docker exec` runs it. */
  exec(running: Program, command: string[], env: Record<string, string>): Program {
    return this.program(this.inside([`--target=${running.pid}`, '--mount', '--root', '--wd'], command), env)
  }

  healthcheck(running: Program, env: Record<string, string>): Program {
    return this.exec(running, this.config.Healthcheck.Test.slice(1), env)
  }

  private inside(where: string[], [name, ...args]: string[]): string[] {
    const [uid, gid] = this.config.User.split(':')
    // The image's PATH has one folder, and no shell to look there.
    return ['nsenter', ...where, `--setuid=${uid}`, `--setgid=${gid}`, `/usr/local/bin/${name}`, ...args]
  }

  private program(command: string[], env: Record<string, string>): Program {
    const variables = this.config.Env.filter((line) => !line.startsWith('PATH=')).map((line) => line.split(/=(.*)/s))
    return new Program(command, temporaryFolder(), { ...Object.fromEntries(variables), ...env })
  }
}

function output(command: string[]): string {
  const ran = Bun.spawnSync(command, { stderr: 'pipe' })
  if (ran.exitCode !== 0) throw new Error(`${command.join(' ')}: ${ran.stdout}${ran.stderr}`)
  return ran.stdout.toString().trim()
}
