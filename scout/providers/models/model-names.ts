/**
 * One name for the same weights wherever they run: a scout offers the canonical name and asks its provider for the
 * provider's own. The canonical name is the one most clients already write, which is Groq's where Groq serves it.
 * Quantisation is not looked at: Ollama's usual tags are four-bit versions of the weights they are named after. The
 * operator adds to the table with `MODEL_NAMES`, read by `configured.ts`.
 */
import type { ServiceName } from '../dialects.ts'

/** By canonical name: what each service calls it, `weights` being the repository's name on Hugging Face. */
export type NameTable = Readonly<Record<string, Readonly<Partial<Record<NameSource, string>>>>>
type NameSource = ServiceName | 'weights'

const knownNames: NameTable = {
  'gemma2-9b-it': { openrouter: 'google/gemma-2-9b-it', ollama: 'gemma2:9b', weights: 'google/gemma-2-9b-it' },
  'gemma-3-4b-it': { openrouter: 'google/gemma-3-4b-it', ollama: 'gemma3:4b', weights: 'google/gemma-3-4b-it' },
  'gemma-3-12b-it': { openrouter: 'google/gemma-3-12b-it', ollama: 'gemma3:12b', weights: 'google/gemma-3-12b-it' },
  'gemma-3-27b-it': { openrouter: 'google/gemma-3-27b-it', ollama: 'gemma3:27b', weights: 'google/gemma-3-27b-it' },
  'llama-3.1-8b-instant': {
    openrouter: 'meta-llama/llama-3.1-8b-instruct',
    ollama: 'llama3.1:8b',
    weights: 'meta-llama/Llama-3.1-8B-Instruct',
  },
  'llama-3.2-1b-instruct': {
    openrouter: 'meta-llama/llama-3.2-1b-instruct',
    ollama: 'llama3.2:1b',
    weights: 'meta-llama/Llama-3.2-1B-Instruct',
  },
  'llama-3.2-3b-instruct': {
    openrouter: 'meta-llama/llama-3.2-3b-instruct',
    ollama: 'llama3.2:3b',
    weights: 'meta-llama/Llama-3.2-3B-Instruct',
  },
  'llama-3.3-70b-versatile': {
    openrouter: 'meta-llama/llama-3.3-70b-instruct',
    ollama: 'llama3.3:70b',
    weights: 'meta-llama/Llama-3.3-70B-Instruct',
  },
  'meta-llama/llama-4-scout-17b-16e-instruct': {
    openrouter: 'meta-llama/llama-4-scout',
    ollama: 'llama4:scout',
    weights: 'meta-llama/Llama-4-Scout-17B-16E-Instruct',
  },
  'qwen2.5-7b-instruct': {
    openrouter: 'qwen/qwen-2.5-7b-instruct',
    ollama: 'qwen2.5:7b',
    weights: 'Qwen/Qwen2.5-7B-Instruct',
  },
  'qwen2.5-72b-instruct': {
    openrouter: 'qwen/qwen-2.5-72b-instruct',
    ollama: 'qwen2.5:72b',
    weights: 'Qwen/Qwen2.5-72B-Instruct',
  },
  'qwen2.5-coder-32b-instruct': {
    openrouter: 'qwen/qwen-2.5-coder-32b-instruct',
    ollama: 'qwen2.5-coder:32b',
    weights: 'Qwen/Qwen2.5-Coder-32B-Instruct',
  },
  'qwen/qwen3-8b': { openrouter: 'qwen/qwen3-8b', ollama: 'qwen3:8b', weights: 'Qwen/Qwen3-8B' },
  'qwen/qwen3-14b': { openrouter: 'qwen/qwen3-14b', ollama: 'qwen3:14b', weights: 'Qwen/Qwen3-14B' },
  'qwen/qwen3-32b': { openrouter: 'qwen/qwen3-32b', ollama: 'qwen3:32b', weights: 'Qwen/Qwen3-32B' },
  'mistral-7b-instruct-v0.3': {
    openrouter: 'mistralai/mistral-7b-instruct-v0.3',
    ollama: 'mistral:7b',
    weights: 'mistralai/Mistral-7B-Instruct-v0.3',
  },
  'mistral-nemo-12b-instruct': {
    openrouter: 'mistralai/mistral-nemo',
    ollama: 'mistral-nemo:12b',
    weights: 'mistralai/Mistral-Nemo-Instruct-2407',
  },
  'mixtral-8x7b-instruct': {
    openrouter: 'mistralai/mixtral-8x7b-instruct',
    ollama: 'mixtral:8x7b',
    weights: 'mistralai/Mixtral-8x7B-Instruct-v0.1',
  },
  'openai/gpt-oss-20b': { openrouter: 'openai/gpt-oss-20b', ollama: 'gpt-oss:20b', weights: 'openai/gpt-oss-20b' },
  'openai/gpt-oss-120b': {
    openrouter: 'openai/gpt-oss-120b',
    ollama: 'gpt-oss:120b',
    weights: 'openai/gpt-oss-120b',
  },
  'deepseek-r1-distill-llama-70b': {
    openrouter: 'deepseek/deepseek-r1-distill-llama-70b',
    ollama: 'deepseek-r1:70b',
    weights: 'deepseek-ai/DeepSeek-R1-Distill-Llama-70B',
  },
  'deepseek-r1-distill-qwen-32b': {
    openrouter: 'deepseek/deepseek-r1-distill-qwen-32b',
    ollama: 'deepseek-r1:32b',
    weights: 'deepseek-ai/DeepSeek-R1-Distill-Qwen-32B',
  },
  'deepseek-r1': { openrouter: 'deepseek/deepseek-r1', ollama: 'deepseek-r1:671b', weights: 'deepseek-ai/DeepSeek-R1' },
  'phi-4': { openrouter: 'microsoft/phi-4', ollama: 'phi4:14b', weights: 'microsoft/phi-4' },
  'nomic-embed-text-v1.5': { ollama: 'nomic-embed-text:latest', weights: 'nomic-ai/nomic-embed-text-v1.5' },
  'bge-m3': { openrouter: 'baai/bge-m3', ollama: 'bge-m3:latest', weights: 'BAAI/bge-m3' },
}

export class ModelNames {
  /** By service and the service's own name in small letters. */
  readonly #canonical = new Map<string, string>()

  /** Of two rows about the same model the later one counts. */
  constructor(...tables: readonly NameTable[]) {
    for (const table of tables) {
      for (const [canonical, names] of Object.entries(table)) {
        for (const [source, name] of Object.entries(names)) {
          this.#canonical.set(`${source} ${name.toLowerCase()}`, canonical)
        }
      }
    }
  }

  /** The canonical name of what `service` calls `own`; that name itself when the table does not have it. */
  canonical(service: ServiceName, own: string): string {
    const name = own.toLowerCase()
    const byService = this.#canonical.get(`${service} ${name}`)
    if (byService !== undefined) return byService
    // Servers of one's own mostly go by the repository's name, as vLLM does.
    return (usesWeights.has(service) ? this.#canonical.get(`weights ${name}`) : undefined) ?? own
  }
}

const usesWeights: ReadonlySet<ServiceName> = new Set<ServiceName>(['vllm', 'lmstudio', 'llamacpp', 'compatible'])

/** The built-in names. */
export const canonicalNames = new ModelNames(knownNames)

/** Those and the operator's, whose word counts. */
export function namesWith(table: NameTable): ModelNames {
  return new ModelNames(knownNames, table)
}
