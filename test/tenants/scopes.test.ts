import { describe, expect, test } from 'vitest'
import { allowsModel, allowsRoute, allowsScout, mayAskFor } from '../../orchestrator/tenants/scopes.ts'
import { noScopes } from '../../shared/keys/key-terms.ts'

describe('scopes of a key', () => {
  test('restrict nothing when there are none', () => {
    expect(allowsModel(noScopes, 'anything')).toBe(true)
    expect(allowsRoute(noScopes, 'intents')).toBe(true)
    expect(allowsScout(noScopes, 'alice')).toBe(true)
  })

  test('allow a model by its whole name, or by a beginning with a star', () => {
    const scopes = { ...noScopes, models: ['llama-3', 'qwen*'] }
    const allowed = ['llama-3', 'llama-3.1', 'LLAMA-3', 'qwen', 'qwen-2', 'aqwen', ''].map((name) => [
      name,
      allowsModel(scopes, name),
    ])
    expect(Object.fromEntries(allowed)).toEqual({
      'llama-3': true,
      'llama-3.1': false,
      'LLAMA-3': false,
      qwen: true,
      'qwen-2': true,
      aqwen: false,
      '': false,
    })
  })

  test('let ask for what leaves the choice to the hub', () => {
    const scopes = { ...noScopes, models: ['llama-3'] }
    expect(['auto', 'chasm/ensemble', 'llama-3', 'qwen'].map((name) => mayAskFor(scopes, name))).toEqual([
      true,
      true,
      true,
      false,
    ])
    expect(allowsModel(scopes, 'auto')).toBe(false)
  })

  test('allow groups of routes and names of scouts', () => {
    const scopes = { models: null, routes: ['chat' as const], scouts: ['lab-*'] }
    expect(allowsRoute(scopes, 'chat')).toBe(true)
    expect(allowsRoute(scopes, 'embeddings')).toBe(false)
    expect(allowsScout(scopes, 'lab-7')).toBe(true)
    expect(allowsScout(scopes, 'alice')).toBe(false)
  })
})
