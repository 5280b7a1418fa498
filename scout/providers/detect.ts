/**
 * Looks for a model server on this machine, at the ports where such software usually listens, so that a scout works
 * without settings. A port counts only when what listens there lists at least one model and is not a Chasm hub.
 */
import { providerProbeMs } from '../../shared/limits/provider.ts'
import type { System } from '../../shared/system.ts'
import { localService, type Service, type ServiceName, serviceNames, serviceTable } from './dialects.ts'
import { readModelList } from './models/model-list.ts'
import { boundedFetch } from './transport/bounded-fetch.ts'
import { Patience } from './transport/patience.ts'

export interface LocalServer {
  name: ServiceName
  port: number
}

/** The usual ports, in order of preference. */
export const localServers: readonly LocalServer[] = serviceNames.flatMap((name) => {
  const { port } = serviceTable[name]
  return port === null ? [] : [{ name, port }]
})

/** The first of `servers` that answers, or null. All are asked at once and each has `providerProbeMs`. */
export async function detectLocalService(
  servers: readonly LocalServer[],
  system: System,
  signal: AbortSignal,
): Promise<Service | null> {
  const services = servers.map(({ name, port }) => localService(name, null, port))
  const present = await Promise.all(services.map((service) => hasModels(service, system, signal)))
  signal.throwIfAborted()
  return services.find((_, index) => present[index]) ?? null
}

async function hasModels(service: Service, system: System, signal: AbortSignal): Promise<boolean> {
  const patience = new Patience(system, signal)
  patience.allow(providerProbeMs)
  try {
    const response = await boundedFetch(`${service.baseURL}/models`, { signal: patience.signal, redirect: 'error' })
    // A hub lists models too; a scout that serves a hub from a hub would go in circles.
    if (!response.ok || response.headers.has('x-chasm')) {
      await response.body?.cancel()
      return false
    }
    const models = readModelList(await response.json())
    return models !== null && models.length > 0
  } catch {
    // Whatever went wrong, what listens there (if anything) is not a model server.
    return false
  } finally {
    patience.end()
  }
}
