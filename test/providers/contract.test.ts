import { DemoProvider, demoDefaults } from '../../scout/providers/demo/demo.ts'
import { hostedService, localService } from '../../scout/providers/dialects.ts'
import type { Provider } from '../../scout/providers/provider.ts'
import { ServiceProvider } from '../../scout/providers/service/service-provider.ts'
import { realSystem, type System } from '../../shared/system.ts'
import { type ProviderStage, providerContract } from '../contract/provider.ts'
import { heldSystem } from '../support/clocks/held-system.ts'
import { startOpenAiStandIn } from '../support/providers/openai-stand-in.ts'

const system = realSystem()
const fast = { ...demoDefaults, firstTokenMs: 0, tokensPerSecond: 0 }
const slow = { ...demoDefaults, firstTokenMs: 0, tokensPerSecond: 0.001 }

providerContract('demo', async () => ({
  provider: new DemoProvider(fast, system),
  slow: new DemoProvider(slow, heldSystem()),
  stop: async () => {},
}))

/** Two stand-ins, one fast and one slow, with an adapter before each. */
async function stageOf(providerAt: (baseURL: string, system: System) => Provider): Promise<ProviderStage> {
  const [quick, slowly] = [startOpenAiStandIn(fast), startOpenAiStandIn(slow)]
  const stop = async () => {
    for (const standIn of [quick, slowly]) await standIn.stop()
  }
  return { provider: providerAt(quick.baseURL, system), slow: providerAt(slowly.baseURL, heldSystem()), stop }
}

providerContract('openai-compatible', () =>
  stageOf((baseURL, clock) => new ServiceProvider(localService('vllm', baseURL), [], clock)),
)

providerContract('groq', () =>
  stageOf((baseURL, clock) => new ServiceProvider({ ...hostedService('groq', 'gsk-x'), baseURL }, [], clock)),
)
