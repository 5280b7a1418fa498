import { DemoProvider, demoDefaults } from '../../scout/providers/demo.ts'
import { localService } from '../../scout/providers/dialects.ts'
import { OpenAiCompatibleProvider } from '../../scout/providers/openai-compatible.ts'
import { realSystem } from '../../shared/system.ts'
import { providerContract } from '../contract/provider.ts'
import { startOpenAiStandIn } from '../support/openai-stand-in.ts'

const system = realSystem()
const fast = { ...demoDefaults, firstTokenMs: 0, tokensPerSecond: 0 }
const slow = { ...demoDefaults, firstTokenMs: 0, tokensPerSecond: 2 }

providerContract('demo', async () => ({
  provider: new DemoProvider(fast, system),
  slow: new DemoProvider(slow, system),
  stop: async () => {},
}))

providerContract('openai-compatible', async () => {
  const standIns = [startOpenAiStandIn(fast), startOpenAiStandIn(slow)]
  const [provider, slowly] = standIns.map(
    ({ baseURL }) => new OpenAiCompatibleProvider(localService('vllm', baseURL), [], system),
  )
  const stop = async () => {
    for (const standIn of standIns) await standIn.stop()
  }
  return { provider: provider!, slow: slowly!, stop }
})
