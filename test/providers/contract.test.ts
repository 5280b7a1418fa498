import { DemoProvider, demoDefaults } from '../../scout/providers/demo/demo.ts'
import { hostedService, localService } from '../../scout/providers/dialects.ts'
import type { Provider } from '../../scout/providers/provider.ts'
import { ServiceProvider } from '../../scout/providers/service/service-provider.ts'
import { realSystem } from '../../shared/system.ts'
import { type ProviderStage, providerContract } from '../contract/provider.ts'
import { startOpenAiStandIn } from '../support/providers/openai-stand-in.ts'

const system = realSystem()
const fast = { ...demoDefaults, firstTokenMs: 0, tokensPerSecond: 0 }
const slow = { ...demoDefaults, firstTokenMs: 0, tokensPerSecond: 2 }

providerContract('demo', async () => ({
  provider: new DemoProvider(fast, system),
  slow: new DemoProvider(slow, system),
  stop: async () => {},
}))

/** Two stand-ins, one fast and one slow, with an adapter before each. */
async function stageOf(providerAt: (baseURL: string) => Provider): Promise<ProviderStage> {
  const standIns = [startOpenAiStandIn(fast), startOpenAiStandIn(slow)]
  const [provider, slowly] = standIns.map(({ baseURL }) => providerAt(baseURL))
  const stop = async () => {
    for (const standIn of standIns) await standIn.stop()
  }
  return { provider: provider!, slow: slowly!, stop }
}

providerContract('openai-compatible', () =>
  stageOf((baseURL) => new ServiceProvider(localService('vllm', baseURL), [], system)),
)

providerContract('groq', () =>
  stageOf((baseURL) => new ServiceProvider({ ...hostedService('groq', 'gsk-x'), baseURL }, [], system)),
)
