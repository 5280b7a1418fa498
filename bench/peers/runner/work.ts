/**
 * The work that every peer does: one chat request of about 500 bytes, answered by a worker with about 300. The load
 * generator posts the request and looks for the mark in each answer; the workers get the answer with their setting.
 */

export const model = 'bench-model'

/** In every right answer, and in nothing that only says why there is none. */
export const answerMark = 'Rayleigh'

const question =
  'Explain in a few plain words why the sky is blue at noon and red in the evening, what part the length of the path ' +
  'through the air plays in it, why the light of the sun itself looks a little yellow, and why the sea repeats the ' +
  'colour of the sky. Do not use formulas, name the effect once, and keep the answer to one sentence.'

export const requestText = JSON.stringify({
  model,
  messages: [
    { role: 'system', content: 'You are brief, friendly and exact.' },
    { role: 'user', content: question },
  ],
  temperature: 0.7,
  max_tokens: 128,
})

const sentence = `Air scatters short waves more than long ones (${answerMark} scattering), so the sky is blue.`

export const answerText = JSON.stringify({
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: sentence, refusal: null },
      logprobs: null,
      finish_reason: 'stop',
    },
  ],
  usage: { prompt_tokens: 104, completion_tokens: 24, total_tokens: 128 },
})
