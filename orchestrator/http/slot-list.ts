/**
 * A list in no order whose members know their places, so that each leaves at once and nothing is left behind: waits for
 * answers and reads of bodies, which come and go with every request.
 */

interface Listed {
  /** Owned by the list, while it is a member of it. */
  listSlot: number
}

export class SlotList<Item extends Listed> {
  private readonly listed: Item[] = []

  get items(): readonly Item[] {
    return this.listed
  }

  add(item: Item): void {
    item.listSlot = this.listed.length
    this.listed.push(item)
  }

  /** Does nothing for one that is not a member. */
  remove(item: Item): void {
    const { listed } = this
    if (listed[item.listSlot] !== item) return
    const last = listed.pop()!
    if (last === item) return
    listed[item.listSlot] = last
    last.listSlot = item.listSlot
  }
}
