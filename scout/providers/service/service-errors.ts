/**
 * Turns whatever went wrong while a service was asked into a fault: what the service said, what our own `fetch` found
 * wrong, what became of the connection. `service-provider.ts` passes every error through here.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import type { System } from '../../../shared/system.ts'
import { rowOf, type Service } from '../dialects.ts'
import { ProviderError } from '../provider.ts'
import type { ServiceClient } from '../transport/service-client.ts'
import { faultOfService, reasonOf } from '../transport/service-faults.ts'

/** A failure that the service itself reported, with its own sentence. */
export class ServiceFault extends ProviderError {
  constructor(
    cause: Fault,
    readonly reason: string,
  ) {
    super(cause)
  }
}

export class ServiceErrors {
  constructor(
    private readonly service: Service,
    private readonly system: System,
  ) {}

  of(client: ServiceClient, error: unknown): ProviderError {
    const { name, hosted, baseURL } = this.service
    if (error instanceof ProviderError) return error
    // What our own fetch found wrong with the answer comes wrapped as trouble with the connection.
    if (error instanceof Error && error.cause instanceof ProviderError) return error.cause
    const said = client.read(error)
    if (said === 'timeout') return new ProviderError(fault('provider_timeout', `${name} did not answer in time`))
    if (said === 'unreachable') {
      const hint = hosted ? 'is this machine connected to the internet?' : 'is it running?'
      return new ProviderError(fault('provider_unavailable', `${name} cannot be reached at ${baseURL}: ${hint}`))
    }
    if (said !== null) return this.said(said.status, said.error, said.headers)
    if (error instanceof SyntaxError) return this.bad('answered with something that is not JSON')
    return new ProviderError(fault('provider_unavailable', `the connection to ${name} broke during its answer`))
  }

  /** What the service said; `status` is null in the middle of an answer. */
  said(status: number | null, error: unknown, headers: Headers | null): ServiceFault {
    const cause = faultOfService(this.service, { status, error, headers }, this.system.wallMs())
    return new ServiceFault(cause, reasonOf(this.service, { error }))
  }

  bad(what: string): ProviderError {
    return new ProviderError(fault('provider_bad_answer', `${rowOf(this.service.name).title} ${what}`))
  }
}
