/** How Groq, OpenRouter and OpenAI speak, as tables for the stand-in; every quirk names where it was read. */
import { callPieces, callsOf, chunkOf, type Dialect, usage, wholeOf } from './dialect-stand-in.ts'

const groqLimits = 'https://console.groq.com/docs/rate-limits'
const groqErrors = 'https://console.groq.com/docs/errors'
const openrouterErrors = 'https://openrouter.ai/docs/api/reference/errors-and-debugging'
const openaiErrors = 'https://platform.openai.com/docs/guides/error-codes'

/** OpenAI streams a call's head first and its arguments after it. */
const inPieces = [
  chunkOf({
    role: 'assistant',
    tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'weather', arguments: '' } }],
  }),
  chunkOf({ tool_calls: [{ index: 0, function: { arguments: '{"city":' } }] }),
  chunkOf({ tool_calls: [{ index: 0, function: { arguments: '"Oslo"}' } }] }),
  chunkOf({
    tool_calls: [{ index: 1, id: 'call_2', type: 'function', function: { name: 'weather', arguments: '' } }],
  }),
  chunkOf({ tool_calls: [{ index: 1, function: { arguments: '{"city":"Rome"}' } }] }),
]

const groqModel = (id: string, more: object = {}) => ({
  ...{ id, object: 'model', created: 1_700_000_000, owned_by: 'Meta', active: true },
  ...{ context_window: 131_072, public_apps: null, max_completion_tokens: 32_768, ...more },
})

export const groq: Dialect = {
  name: 'groq',
  path: '/openai/v1',
  key: 'gsk-right',
  refuses: ['continue_final_message', 'add_generation_prompt'],
  answers: {
    'GET /openai/v1/models': {
      object: 'list',
      data: [
        groqModel('llama-3.1-8b-instant'),
        groqModel('gemma2-9b-it', { context_window: 8_192 }),
        groqModel('whisper-large-v3', { context_window: 448 }),
        groqModel('mixtral-8x7b-32768', { active: false }),
      ],
    },
  },
  model: 'llama-3.1-8b-instant',
  offers: [
    { kind: 'chat', model: 'llama-3.1-8b-instant', contextTokens: 131_072, abilities: 3, promptPrice: null },
    { kind: 'chat', model: 'gemma2-9b-it', contextTokens: 8_192, abilities: 3, promptPrice: null },
  ],
  text: {
    source: 'groq-sdk 1.6.0, resources/chat/completions.d.ts, ChatCompletionChunk.x_groq',
    chunks: [
      chunkOf({ role: 'assistant', content: '' }, null, { x_groq: { id: 'req_1' } }),
      chunkOf({ content: 'Three.' }),
      chunkOf({}, 'stop', { x_groq: { id: 'req_1', usage: { queue_time: 0.01, ...usage } } }),
    ],
    whole: wholeOf({ content: 'Three.' }, 'stop', { usage, x_groq: { id: 'req_1' }, service_tier: 'on_demand' }),
  },
  tools: {
    source: 'https://console.groq.com/docs/tool-use',
    chunks: [...callPieces((call) => call), chunkOf({}, 'tool_calls', { x_groq: { id: 'req_2', usage } })],
    whole: callsOf(),
  },
  broken: {
    chunk: { error: { message: 'the model stumbled', type: 'internal_server_error' } },
    fault: 'provider_unavailable',
    source: 'groq-sdk 1.6.0, core/streaming.mjs',
  },
  errors: [
    {
      what: 'the tokens of a minute are used up',
      status: 429,
      headers: {
        'retry-after': '2',
        'x-ratelimit-limit-requests': '14400',
        'x-ratelimit-remaining-requests': '14370',
        'x-ratelimit-remaining-tokens': '0',
        'x-ratelimit-reset-requests': '2m59.56s',
        'x-ratelimit-reset-tokens': '7.66s',
      },
      body: { error: { message: 'Rate limit reached', type: 'tokens', code: 'rate_limit_exceeded' } },
      fault: 'provider_rate_limited',
      retryAfterMs: 2_000,
      source: groqLimits,
    },
    {
      what: 'the requests of a day are used up, told by the headers alone',
      status: 429,
      headers: {
        'x-ratelimit-remaining-requests': '0',
        'x-ratelimit-remaining-tokens': '6000',
        'x-ratelimit-reset-requests': '2m59.56s',
        'x-ratelimit-reset-tokens': '7.66s',
      },
      body: { error: { message: 'Rate limit reached', type: 'requests', code: 'rate_limit_exceeded' } },
      fault: 'provider_rate_limited',
      retryAfterMs: 179_560,
      source: groqLimits,
    },
    {
      what: 'the flex tier is full',
      status: 498,
      body: { error: { message: 'capacity exceeded', type: 'internal_server_error', code: 'capacity_exceeded' } },
      fault: 'provider_rate_limited',
      source: groqErrors,
    },
    {
      what: 'the prompt is too long',
      status: 400,
      body: {
        error: {
          message: 'Please reduce the length of the messages or completion.',
          ...{ type: 'invalid_request_error', param: 'messages', code: 'context_length_exceeded' },
        },
      },
      fault: 'context_length_exceeded',
      source: 'https://github.com/OpenHands/OpenHands/issues/1902',
    },
    {
      what: 'one request is larger than the account may send in a minute',
      status: 413,
      body: { error: { message: 'Request too large', type: 'tokens', code: 'rate_limit_exceeded' } },
      fault: 'provider_unavailable',
      source: groqLimits,
    },
    {
      what: 'the model called a tool wrongly',
      status: 400,
      body: {
        error: {
          message: "Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details.",
          ...{ type: 'invalid_request_error', code: 'tool_use_failed', failed_generation: '<function=weather>' },
        },
      },
      fault: 'provider_unavailable',
      source: 'https://console.groq.com/docs/tool-use',
    },
  ],
}

export const openrouter: Dialect = {
  name: 'openrouter',
  path: '/api/v1',
  key: 'sk-or-right',
  refuses: [],
  answers: {
    'GET /api/v1/key': { data: { label: 'sk-or-v1-116...0ce', limit: 5, limit_remaining: 4.9, is_free_tier: false } },
    'GET /api/v1/models': {
      data: [
        {
          id: 'meta-llama/llama-3.1-8b-instruct',
          ...{ name: 'Meta: Llama 3.1 8B Instruct', context_length: 16_384 },
          architecture: { modality: 'text->text', input_modalities: ['text'], output_modalities: ['text'] },
          pricing: { prompt: '0.00000002', completion: '0.000000045', request: '0', image: '0' },
          supported_parameters: ['max_tokens', 'tools', 'tool_choice', 'response_format'],
        },
        {
          id: 'openrouter/auto',
          ...{ name: 'Auto Router', context_length: 2_000_000 },
          architecture: { input_modalities: ['text', 'image', 'audio'], output_modalities: ['text'] },
          pricing: { prompt: '-1', completion: '-1' },
          supported_parameters: [],
        },
        {
          id: 'google/picture-maker',
          architecture: { input_modalities: ['text'], output_modalities: ['image'] },
          pricing: { prompt: '0.0000003', completion: '0.0000025' },
        },
      ],
    },
  },
  model: 'meta-llama/llama-3.1-8b-instruct',
  offers: [
    {
      ...{ kind: 'chat', model: 'llama-3.1-8b-instant', contextTokens: 16_384, abilities: 3 },
      ...{ promptPrice: 20_000, answerPrice: 45_000 },
    },
    {
      ...{ kind: 'chat', model: 'openrouter/auto', contextTokens: 2_000_000, abilities: 12 },
      ...{ promptPrice: null, answerPrice: null },
    },
  ],
  text: {
    source: 'https://openrouter.ai/docs/api-reference/streaming',
    chunks: [
      ': OPENROUTER PROCESSING\n\n',
      chunkOf({ role: 'assistant', content: 'Three.' }, null, { provider: 'DeepInfra' }),
      ': OPENROUTER PROCESSING\n\n',
      chunkOf({ role: 'assistant', content: '' }, 'stop', { provider: 'DeepInfra', native_finish_reason: 'stop' }),
      {
        id: 'gen-7',
        provider: 'DeepInfra',
        object: 'chat.completion.chunk',
        choices: [],
        usage: { ...usage, cost: 0.1 },
      },
    ],
    whole: wholeOf({ content: 'Three.', refusal: null }, 'stop', { provider: 'DeepInfra', usage }),
  },
  tools: {
    source: 'https://openrouter.ai/docs/features/tool-calling',
    chunks: [...inPieces, chunkOf({}, 'tool_calls'), { id: 'gen-7', choices: [], usage }],
    whole: callsOf(),
  },
  broken: {
    chunk: chunkOf({ content: '' }, 'error', { error: { code: 502, message: 'Provider disconnected' } }),
    fault: 'provider_unavailable',
    source: openrouterErrors,
  },
  errors: [
    {
      what: 'the free requests of a day are used up, the reset told in the body as milliseconds since 1970',
      status: 429,
      body: {
        error: {
          message: 'Rate limit exceeded: free-models-per-day.',
          code: 429,
          metadata: {
            headers: {
              'X-RateLimit-Limit': '50',
              'X-RateLimit-Remaining': '0',
              'X-RateLimit-Reset': String(Date.UTC(2024, 0, 1, 0, 30)),
            },
          },
        },
      },
      fault: 'provider_rate_limited',
      retryAfterMs: 1_800_000,
      source: 'https://github.com/Gitlawb/openclaude/issues/936',
    },
    {
      what: 'the model’s own provider is busy',
      status: 429,
      headers: { 'Retry-After': '30' },
      body: { error: { message: 'Provider returned error', code: 429, metadata: { raw: 'rate-limited upstream' } } },
      fault: 'provider_rate_limited',
      retryAfterMs: 30_000,
      source: openrouterErrors,
    },
    {
      what: 'the account has no credit left',
      status: 402,
      body: { error: { message: 'Insufficient credits', code: 402 } },
      fault: 'provider_unauthorized',
      lasts: true,
      source: openrouterErrors,
    },
    {
      what: 'one request would cost more than the account has left',
      status: 402,
      body: {
        error: {
          message:
            'This request requires more credits, or fewer max_tokens. You requested up to 4096 tokens, but can only ' +
            'afford 3919.',
          code: 402,
        },
      },
      fault: 'invalid_request',
      source: 'https://github.com/Taewan-P/gpt_mobile/issues/284',
    },
    {
      what: 'one request uses what no provider of the model has',
      status: 404,
      body: { error: { message: 'No endpoints found that support tool use.', code: 404 } },
      fault: 'invalid_request',
      source: 'https://github.com/evalstate/fast-agent/issues/122',
    },
    {
      what: 'the input was flagged by moderation',
      status: 403,
      body: {
        error: { message: 'Input was flagged', code: 403, metadata: { reasons: ['violence'], flagged_input: 'x' } },
      },
      fault: 'content_refused',
      source: openrouterErrors,
    },
    {
      what: 'the model failed after the answer had been promised',
      status: 200,
      body: { error: { message: 'Upstream error', code: 502 } },
      fault: 'provider_unavailable',
      source: openrouterErrors,
    },
    {
      what: 'no provider meets the routing preferences',
      status: 503,
      body: { error: { message: 'No allowed providers are available for the selected model.', code: 503 } },
      fault: 'provider_unavailable',
      source: openrouterErrors,
    },
  ],
}

export const openai: Dialect = {
  name: 'openai',
  path: '/v1',
  key: 'sk-right',
  refuses: ['continue_final_message'],
  answers: {
    'GET /v1/models': {
      object: 'list',
      data: ['gpt-x', 'text-embedding-3-small', 'whisper-1'].map((id) => ({ id, object: 'model', owned_by: 'openai' })),
    },
  },
  model: 'gpt-x',
  offers: [
    { kind: 'chat', model: 'gpt-x', contextTokens: 0, abilities: 0 },
    { kind: 'embed', model: 'text-embedding-3-small', contextTokens: 0, abilities: 0 },
  ],
  text: {
    source: 'https://platform.openai.com/docs/api-reference/chat-streaming',
    chunks: [
      chunkOf({ role: 'assistant', content: '', refusal: null }, null, { usage: null, obfuscation: 'x' }),
      chunkOf({ content: 'Three.' }, null, { usage: null, obfuscation: 'xy' }),
      chunkOf({}, 'stop', { usage: null }),
      { id: 'chatcmpl-7', object: 'chat.completion.chunk', choices: [], usage },
    ],
    whole: wholeOf({ content: 'Three.', refusal: null, annotations: [] }, 'stop', { usage, service_tier: 'default' }),
  },
  tools: {
    source: 'https://platform.openai.com/docs/guides/function-calling',
    chunks: [...inPieces, chunkOf({}, 'tool_calls'), { choices: [], usage }],
    whole: callsOf(),
  },
  broken: {
    chunk: { error: { message: 'The server had an error', type: 'server_error', param: null, code: null } },
    fault: 'provider_unavailable',
    source: openaiErrors,
  },
  errors: [
    {
      what: 'too many requests, told in milliseconds as well',
      status: 429,
      headers: { 'retry-after-ms': '1250', 'retry-after': '2', 'x-ratelimit-reset-requests': '1s' },
      body: { error: { message: 'Rate limit reached', type: 'requests', param: null, code: 'rate_limit_exceeded' } },
      fault: 'provider_rate_limited',
      retryAfterMs: 1_250,
      source: 'https://platform.openai.com/docs/guides/rate-limits',
    },
    {
      what: 'the quota of the account is used up, which waiting does not mend',
      status: 429,
      body: { error: { message: 'You exceeded your quota', type: 'insufficient_quota', code: 'insufficient_quota' } },
      fault: 'provider_unauthorized',
      lasts: true,
      source: openaiErrors,
    },
    {
      what: 'the prompt is too long',
      status: 400,
      body: {
        error: {
          message: "This model's maximum context length is 8192 tokens.",
          ...{ type: 'invalid_request_error', param: 'messages', code: 'context_length_exceeded' },
        },
      },
      fault: 'context_length_exceeded',
      source: openaiErrors,
    },
    {
      what: 'the model is not this account’s to use',
      status: 404,
      body: { error: { message: 'does not exist', type: 'invalid_request_error', code: 'model_not_found' } },
      fault: 'not_offered',
      lasts: true,
      source: openaiErrors,
    },
  ],
}
