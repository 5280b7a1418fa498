/** The demo provider, with a count of what it was asked for and of how much of it at once. */
import { DemoProvider, type DemoSettings, demoDefaults } from '../../../scout/providers/demo/demo.ts'
import type { AnswerWriter, ProviderAnswer, ProviderRequest } from '../../../scout/providers/provider.ts'
import { realSystem } from '../../../shared/system.ts'

export class CountingProvider extends DemoProvider {
  /** Models asked for, in order. */
  readonly asked: string[] = []
  running = 0
  mostAtOnce = 0

  constructor(settings: Partial<DemoSettings>) {
    super({ ...demoDefaults, firstTokenMs: 0, tokensPerSecond: 0, ...settings }, realSystem())
  }

  override async answer(request: ProviderRequest, writer: AnswerWriter, signal: AbortSignal): Promise<ProviderAnswer> {
    this.asked.push(request.model)
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.running)
    try {
      return await super.answer(request, writer, signal)
    } finally {
      this.running--
    }
  }
}
