/**
 * Numbers of tasks that are unique in a network: each key that was ever in the roster has a slot of its own, in the
 * order of the roster's history, and within it a range for each start of its hub. Slot 0 is what hubs used before they
 * were in any network. Pure.
 */

const epochNumbers = 2 ** 32
const epochsPerSlot = 2 ** 11

/** The last slot whose numbers are whole numbers without loss. */
export const slotMax = 2 ** 10 - 1

/** In place of the hub's own epoch; starts that are 2,048 apart have the same. */
export function taskEpoch(slot: number, epoch: number): number {
  return slot * epochsPerSlot + (epoch % epochsPerSlot)
}

export function slotOfTask(task: number): number {
  return Math.floor(task / (epochNumbers * epochsPerSlot))
}
