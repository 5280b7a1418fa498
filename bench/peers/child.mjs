/**
 * What every process of a peer shares: it reads its setting, says when it is ready and ends with the runner. The runner
 * writes the setting into the environment and reads standard output. Plain JavaScript, because peers run on Node too.
 */

/** As `ChildSetting` in `peer-child.ts` says. */
export const setting = JSON.parse(process.env.PEER_SETTING ?? '{}')

/** Tells the runner that this process may be used; `facts` are for the processes that start after it. */
export function ready(facts = {}) {
  process.stdout.write(`ready ${JSON.stringify(facts)}\n`)
}

/** Calls `open(index)` for each worker of this process, at most `width` at once: a storm is not what is measured. */
export async function openWorkers(open, width = 100) {
  let next = 0
  const lane = async () => {
    while (next < setting.count) await open(setting.first + next++)
  }
  await Promise.all(Array.from({ length: width }, lane))
}

process.stdin.resume()
process.stdin.on('end', () => process.exit(0))
