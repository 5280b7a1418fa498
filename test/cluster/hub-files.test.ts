import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { keepChain, nextBoot, readChain } from '../../orchestrator/cluster/hub-files.ts'
import { hubFilesOf, makeIdentity } from '../../orchestrator/cluster/identity-file.ts'
import { removing } from '../../orchestrator/cluster/roster/proposal.ts'
import { folderOf, good, networkOf, signedByAll, testHub } from '../support/cluster/network.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'

const [alpha, beta] = [testHub('alpha', 1), testHub('beta', 2)]
const pair = networkOf([alpha, beta])

test('starts are numbered upwards, whatever becomes of the clock, and from the clock when the file is lost', () => {
  const folder = temporaryFolder()
  expect(nextBoot(folder, 5_000)).toBe(5)
  expect(nextBoot(folder, 5_000)).toBe(6)
  expect(nextBoot(folder, 0)).toBe(7)
  expect(nextBoot(folder, 90_000)).toBe(90)
  rmSync(join(folder, 'hub.boot'))
  expect(nextBoot(folder, 95_000)).toBe(95)
  writeFileSync(join(folder, 'hub.boot'), 'seven')
  expect(nextBoot(folder, 95_000)).toEqual({ flaw: expect.stringContaining('hub.boot is damaged') })
})

test('an identity is made once, also when two processes try', () => {
  const folder = temporaryFolder()
  const first = good(makeIdentity(folder, alpha.seed))
  expect(good(makeIdentity(folder, beta.seed)).key).toBe(first.key)
  expect(statSync(hubFilesOf(folder).key).mode & 0o777).toBe(0o600)
})

test('a roster is replaced by a longer one of the same network alone', () => {
  const folder = folderOf(alpha, pair)
  const { roster } = hubFilesOf(folder)
  const longer = good(pair.extended(signedByAll(good(removing(pair, 'beta')), [alpha]).next))
  expect(keepChain(folder, longer)).toBeNull()
  expect(keepChain(folder, pair)).toBeNull()
  expect(good(readChain(roster)!).epoch).toBe(3)
  const other = good(pair.extended(signedByAll(good(removing(pair, 'alpha')), [beta]).next))
  expect(keepChain(folder, other)).toEqual({ flaw: expect.stringContaining('another signed roster of epoch 3') })
  expect(keepChain(folder, networkOf([beta]))).toEqual({ flaw: expect.stringContaining('another network') })
  writeFileSync(roster, readFileSync(roster, 'utf8').slice(0, -20))
  expect(readChain(roster)).toEqual({ flaw: `${roster} is no roster: it is not JSON.` })
})
