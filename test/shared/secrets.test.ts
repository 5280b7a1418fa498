import { expect, test } from 'vitest'
import { secretsIn, withoutSecrets } from '../../shared/secrets.ts'

test('variables that are named for a secret hold one, but for numbers and short words', () => {
  const env = {
    GROQ_API_KEY: 'gsk_0123456789',
    DB_PASSWORD: 'Blue-Horse-99',
    MY_TOKEN: 'a-token-of-mine',
    MAX_TOKENS: '1280000000',
    AUTH: 'yes',
    SCOUT_NAME: 'a name that is long',
    OTHER_SECRET: undefined,
  }
  expect(secretsIn(env)).toEqual(['gsk_0123456789', 'Blue-Horse-99', 'a-token-of-mine'])
})

test('a known secret is taken out wherever it stands, and the rest stays', () => {
  expect(withoutSecrets('login Blue-Horse-99 failed (Blue-Horse-99)', ['Blue-Horse-99'])).toBe(
    'login [removed] failed ([removed])',
  )
})
