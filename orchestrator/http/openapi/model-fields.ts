/**
 * What `/openapi.json` says of the fields of a model by which clients of other routers choose: OpenRouter's names.
 */
import { count, type Json, object, text, texts } from './parts.ts'

const context = { ...count, type: ['integer', 'null'], description: 'Tokens; null when nobody has said how many.' }
const price = { ...text, description: 'Dollars for one token, as a decimal number; "-1" when it is not known.' }
const nothing = { type: 'null' }

export const routerFields: Json = {
  canonical_slug: text,
  name: text,
  context_length: context,
  architecture: object({
    modality: { ...text, description: 'As `text+image->text`.' },
    input_modalities: texts,
    output_modalities: texts,
    tokenizer: text,
    instruct_type: nothing,
  }),
  pricing: object({ prompt: price, completion: price }),
  top_provider: object({ context_length: context, max_completion_tokens: nothing, is_moderated: { type: 'boolean' } }),
  per_request_limits: nothing,
  supported_parameters: texts,
  supported_voices: nothing,
  default_parameters: nothing,
  links: object({ details: text }),
}
