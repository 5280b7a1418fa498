import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { documentedNames } from './support/law/tidy-rules.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

interface Service {
  build?: { dockerfile: string }
  command?: string
  environment?: Record<string, string>
  volumes?: string[]
  read_only?: boolean
  cap_drop?: string[]
  stop_grace_period?: string
  ports?: string[]
}

interface Compose {
  services: Record<string, Service>
  volumes: Record<string, object>
}

describe.each(['compose.yaml', 'compose.cluster.yaml'])('%s', (path) => {
  const { services, volumes } = Bun.YAML.parse(read(path)) as Compose
  const ours = Object.entries(services).filter(([, { build }]) => build !== undefined)

  test('builds from files that exist, and sets variables that are documented', () => {
    expect(ours.length).toBeGreaterThan(0)
    for (const [, { build, environment = {} }] of ours) {
      expect(existsSync(join(root, build!.dockerfile))).toBe(true)
      const known = documentedNames(read('.env.example'))
      expect(Object.keys(environment).filter((name) => !known.has(name))).toEqual([])
    }
  })

  test('gives its containers nothing that they do not need, time to drain, and ports on this machine only', () => {
    for (const [, service] of ours) {
      expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], stop_grace_period: '35s' })
      for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/)
    }
  })

  test('names each volume that it uses', () => {
    const used = Object.values(services).flatMap(({ volumes: mounts = [] }) =>
      mounts.map((mount) => mount.split(':')[0]!),
    )
    expect(used.filter((name) => !name.startsWith('.') && volumes[name] === undefined)).toEqual([])
  })
})

describe('compose.cluster.yaml', () => {
  const text = read('compose.cluster.yaml')
  const { services } = Bun.YAML.parse(text) as Compose
  const servers = Object.entries(services).filter(([name]) => name.startsWith('nats-'))
  const hubs = Object.entries(services).filter(([, { environment }]) => environment?.CLUSTER_URL !== undefined)

  test('has three servers with streams that know each other, and three hubs that know all of them', () => {
    expect([servers.length, hubs.length]).toEqual([3, 3])
    for (const [name, { command }] of servers) {
      const others = servers.filter(([other]) => other !== name).map(([other]) => `nats://${other}:6222`)
      expect(command).toContain(`--server_name ${name} `)
      expect(command).toContain('--jetstream --store_dir /data')
      expect(command).toContain(`--routes ${others.join(',')}`)
    }
    for (const [, { environment }] of hubs) {
      expect(environment!.CLUSTER_URL).toBe(servers.map(([name]) => `nats://${name}:4222`).join(','))
    }
  })

  test('names commands that the cluster command knows', () => {
    const usage = Bun.spawnSync([process.execPath, join(root, 'orchestrator/commands/cluster.ts'), '--help'], {
      env: { PATH: process.env.PATH },
    }).stderr.toString()
    const named = [...text.matchAll(/cluster\.js (\w+)/g)].map(([, name]) => name!)
    expect(named.length).toBeGreaterThan(3)
    expect(named.filter((name) => !usage.includes(`  ${name}`))).toEqual([])
  })
})
