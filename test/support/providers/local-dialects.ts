/** How Ollama, vLLM, LM Studio and llama.cpp speak, as tables for the stand-in; every quirk names where it was read. */
import { callPieces, callsOf, chunkOf, type Dialect, usage, wholeOf } from './dialect-stand-in.ts'

const ollamaShow = (capabilities: string[], parameters = '') => ({
  ...{ parameters, capabilities, details: { family: 'llama', quantization_level: 'Q4_K_M' } },
  model_info: { 'general.architecture': 'llama', 'llama.context_length': 131_072 },
})

export const ollama: Dialect = {
  name: 'ollama',
  path: '/v1',
  key: null,
  refuses: [],
  answers: {
    'GET /v1/models': {
      object: 'list',
      data: ['llama3.1:8b', 'gemma2:9b', 'nomic-embed-text:latest'].map((id) => ({
        ...{ id, object: 'model', created: 1_700_000_000, owned_by: 'library' },
      })),
    },
    'GET /api/ps': { models: [{ name: 'llama3.1:8b', model: 'llama3.1:8b', context_length: 4_096 }] },
    'POST /api/show llama3.1:8b': ollamaShow(['completion', 'tools']),
    'POST /api/show gemma2:9b': ollamaShow(['completion', 'vision'], 'stop    "<eot>"\nnum_ctx    8192'),
    'POST /api/show nomic-embed-text:latest': ollamaShow(['embedding']),
  },
  model: 'llama3.1:8b',
  offers: [
    { kind: 'chat', model: 'llama-3.1-8b-instant', contextTokens: 4_096, abilities: 3, promptPrice: null },
    { kind: 'chat', model: 'gemma2-9b-it', contextTokens: 8_192, abilities: 6, promptPrice: null },
    { kind: 'embed', model: 'nomic-embed-text-v1.5', contextTokens: 0, abilities: 0, promptPrice: null },
  ],
  text: {
    source: 'https://docs.ollama.com/api/openai-compatibility',
    chunks: [
      chunkOf({ role: 'assistant', content: 'Three.' }, null, { system_fingerprint: 'fp_ollama' }),
      chunkOf({ role: 'assistant', content: '' }, 'stop', { system_fingerprint: 'fp_ollama' }),
      { id: 'chatcmpl-7', system_fingerprint: 'fp_ollama', choices: [], usage },
    ],
    whole: wholeOf({ content: 'Three.' }, 'stop', { system_fingerprint: 'fp_ollama', usage }),
  },
  tools: {
    source: 'https://github.com/ollama/ollama/pull/7963',
    // Each call whole in a chunk of its own, and in older versions `stop` at the end of a stream.
    chunks: [
      ...callPieces(({ index, id, type }) => ({ id, index, type })),
      chunkOf({ role: 'assistant', content: '' }, 'stop'),
      { choices: [], usage },
    ],
    whole: callsOf(),
  },
  broken: {
    chunk: { error: { message: 'an error was encountered while running the model', type: 'api_error' } },
    fault: 'provider_unavailable',
    source: 'https://github.com/ollama/ollama/blob/main/middleware/openai.go',
  },
  errors: [
    {
      what: 'its queue is full',
      status: 503,
      body: {
        error: { message: 'server busy, please try again.  maximum pending requests exceeded', type: 'api_error' },
      },
      fault: 'provider_rate_limited',
      source: 'https://docs.ollama.com/faq (OLLAMA_MAX_QUEUE)',
    },
    {
      what: 'the model was removed',
      status: 404,
      body: { error: { message: 'model "llama3.1:8b" not found', type: 'api_error', param: null, code: null } },
      fault: 'not_offered',
      lasts: true,
      source: 'https://docs.ollama.com/api/errors',
    },
  ],
}

export const vllm: Dialect = {
  name: 'vllm',
  path: '/v1',
  key: null,
  refuses: [],
  answers: {
    'GET /v1/models': {
      object: 'list',
      data: [
        {
          ...{ id: 'Qwen/Qwen3-8B', object: 'model', owned_by: 'vllm', root: 'Qwen/Qwen3-8B', parent: null },
          ...{ max_model_len: 40_960, permission: [{ allow_sampling: true }] },
        },
      ],
    },
  },
  model: 'Qwen/Qwen3-8B',
  offers: [{ kind: 'chat', model: 'qwen/qwen3-8b', contextTokens: 40_960, abilities: 2, promptPrice: null }],
  text: {
    source: 'https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html',
    // With `continuous_usage_stats` usage is counted up in every chunk.
    chunks: [
      chunkOf({ role: 'assistant', content: '' }, null, {
        usage: { ...usage, completion_tokens: 0, total_tokens: 10 },
      }),
      chunkOf({ content: 'Three.' }, null, { usage: { ...usage, completion_tokens: 1, total_tokens: 11 } }),
      chunkOf({ content: '' }, 'stop', { usage }),
      { id: 'chatcmpl-7', object: 'chat.completion.chunk', choices: [], usage },
    ],
    whole: wholeOf({ content: 'Three.', tool_calls: [], reasoning_content: null }, 'stop', {
      ...{ usage: { ...usage, prompt_tokens_details: null }, prompt_logprobs: null, kv_transfer_params: null },
    }),
  },
  tools: {
    source: 'https://docs.vllm.ai/en/latest/features/tool_calling.html',
    chunks: [...callPieces((call) => call), chunkOf({}, 'tool_calls'), { choices: [], usage }],
    // Where the client named the tool, the end is `stop`.
    whole: callsOf('stop'),
  },
  broken: {
    chunk: { error: { object: 'error', message: 'EngineCore died', type: 'InternalServerError', code: 500 } },
    fault: 'provider_unavailable',
    source: 'https://github.com/vllm-project/vllm/pull/37011',
  },
  errors: [
    {
      what: 'the prompt is too long',
      status: 400,
      body: {
        error: {
          message: "You passed 1015 input tokens. However, the model's context length is only 1024 tokens.",
          ...{ type: 'BadRequestError', param: 'input_tokens', code: 400 },
        },
      },
      fault: 'context_length_exceeded',
      source: 'https://github.com/harbor-framework/harbor/pull/996',
    },
    {
      what: 'the prompt is too long, as later versions say it',
      status: 400,
      body: { error: { message: '...', type: 'BadRequestError', code: 'context_length_exceeded' } },
      fault: 'context_length_exceeded',
      source: 'https://github.com/vllm-project/vllm/pull/37011',
    },
    {
      what: 'an older version says what is wrong without an `error` around it',
      status: 400,
      body: { object: 'error', message: 'max_tokens is too large', type: 'BadRequestError', param: null, code: 400 },
      fault: 'invalid_request',
      source: 'https://github.com/vllm-project/vllm/issues/4667',
    },
  ],
}

export const lmstudio: Dialect = {
  name: 'lmstudio',
  path: '/v1',
  key: null,
  refuses: [],
  answers: {
    'GET /v1/models': {
      object: 'list',
      data: ['qwen2-vl-7b-instruct', 'text-embedding-nomic-embed-text-v1.5'].map((id) => ({
        ...{ id, object: 'model', owned_by: 'organization_owner' },
      })),
    },
    'GET /api/v0/models': {
      object: 'list',
      data: [
        {
          ...{ id: 'qwen2-vl-7b-instruct', object: 'model', type: 'vlm', publisher: 'mlx-community', arch: 'qwen2_vl' },
          ...{ state: 'loaded', max_context_length: 32_768, loaded_context_length: 4_096, capabilities: ['tool_use'] },
        },
        {
          ...{ id: 'text-embedding-nomic-embed-text-v1.5', object: 'model', type: 'embeddings' },
          ...{ state: 'not-loaded', max_context_length: 2_048 },
        },
      ],
    },
  },
  model: 'qwen2-vl-7b-instruct',
  offers: [
    { kind: 'chat', model: 'qwen2-vl-7b-instruct', contextTokens: 4_096, abilities: 7 },
    { kind: 'embed', model: 'text-embedding-nomic-embed-text-v1.5', contextTokens: 2_048, abilities: 0 },
  ],
  text: {
    source: 'https://lmstudio.ai/docs/developer/openai-compat',
    chunks: [
      chunkOf({ role: 'assistant', content: 'Three.' }, null, { system_fingerprint: 'qwen2-vl' }),
      chunkOf({}, 'stop'),
      { choices: [], usage },
    ],
    whole: wholeOf({ content: 'Three.' }, 'stop', { usage, stats: {}, system_fingerprint: 'qwen2-vl' }),
  },
  tools: {
    source: 'https://lmstudio.ai/docs/developer/openai-compat/tools',
    chunks: [...callPieces((call) => call), chunkOf({}, 'tool_calls'), { choices: [], usage }],
    whole: callsOf(),
  },
  broken: {
    chunk: { error: { message: 'Model has crashed' } },
    fault: 'provider_unavailable',
    source: 'https://lmstudio.ai/docs/developer/openai-compat',
  },
  errors: [
    {
      what: 'something is wrong, said as text alone',
      status: 400,
      body: { error: "Unrecognized key(s) in object: 'theirs'" },
      fault: 'invalid_request',
      source: 'https://www.lmstudio.ai/docs/api/rest-api',
    },
  ],
}

export const llamacpp: Dialect = {
  name: 'llamacpp',
  path: '/v1',
  key: null,
  refuses: [],
  answers: {
    'GET /v1/models': {
      object: 'list',
      data: [
        {
          ...{ id: 'gpt-oss-20b.gguf', object: 'model', owned_by: 'llamacpp' },
          meta: { vocab_type: 2, n_ctx_train: 131_072, n_params: 20_914_757_184 },
        },
      ],
    },
    'GET /props': {
      ...{ default_generation_settings: { n_ctx: 65_536 }, total_slots: 4, model_alias: 'gpt-oss-20b.gguf' },
      ...{ modalities: { vision: true, audio: false }, chat_template_caps: { supports_tools: true } },
    },
  },
  model: 'gpt-oss-20b.gguf',
  offers: [{ kind: 'chat', model: 'gpt-oss-20b.gguf', contextTokens: 65_536, abilities: 7 }],
  text: {
    source: 'https://mvysny.github.io/llama-server-endpoints/',
    chunks: [
      chunkOf({ role: 'assistant', content: null }),
      chunkOf({ content: 'Three.' }),
      chunkOf({}, 'stop'),
      { choices: [], usage, timings: { predicted_per_second: 41.5 } },
    ],
    whole: wholeOf({ content: 'Three.' }, 'stop', { usage, timings: { predicted_per_second: 41.5 } }),
  },
  tools: {
    source: 'https://github.com/ggml-org/llama.cpp/blob/master/docs/function-calling.md',
    // Here without the type and index that clients insist on: neither may be relied upon.
    chunks: [...callPieces(({ id }) => ({ id })), chunkOf({}, 'tool_calls'), { choices: [], usage }],
    whole: callsOf(),
  },
  broken: {
    chunk: { error: { code: 500, message: 'context shift is disabled', type: 'server_error' } },
    fault: 'provider_unavailable',
    source: 'https://github.com/ggml-org/llama.cpp/pull/15780',
  },
  errors: [
    {
      what: 'the prompt is too long',
      status: 400,
      body: {
        error: {
          ...{
            code: 400,
            message: 'the request exceeds the available context size',
            n_prompt_tokens: 1_407,
            n_ctx: 256,
          },
          type: 'exceed_context_size_error',
        },
      },
      fault: 'context_length_exceeded',
      source: 'https://github.com/ggml-org/llama.cpp/pull/15780',
    },
    {
      what: 'it still loads its model',
      status: 503,
      body: { error: { code: 503, message: 'Loading model', type: 'unavailable_error' } },
      fault: 'provider_rate_limited',
      source: 'https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md',
    },
  ],
}
