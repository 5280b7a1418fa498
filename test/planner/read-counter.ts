/**
 * Counts what is read of a scroll while it is judged. The scroll, its list of nodes, the nodes and their needs are
 * proxies, so that every look at one of their entries counts. What a node holds beside is copied and written out by
 * the platform, which cannot take proxies; there the last entry of each list and object is an accessor, so that every
 * walk over it counts once.
 */

type Entries = Record<string, unknown>

export class ReadCounter {
  /** Looks at entries of the scroll, its nodes and their needs. */
  looks = 0
  /** How many entries those have. */
  entries = 0
  private readonly walks = new Map<string, number>()

  /** The scroll under another name: what is read through it counts. */
  watched(scroll: Entries): Entries {
    const { nodes } = scroll
    if (!Array.isArray(nodes)) return this.proxied(scroll)
    const watchedNodes = nodes.every((node) => typeof node !== 'object')
      ? nodes
      : nodes.map((node) => this.proxied(this.watchedNode(node)))
    return this.proxied({ ...scroll, nodes: this.proxied(watchedNodes) })
  }

  /** The most walks over any one part of a node. */
  get walksMost(): number {
    return Math.max(0, ...this.walks.values())
  }

  private watchedNode(node: Entries): Entries {
    const { needs } = node
    for (const [key, value] of Object.entries(node)) if (key !== 'needs') this.instrument(value, key)
    return Array.isArray(needs) ? { ...node, needs: this.proxied(needs) } : node
  }

  private proxied<T extends object>(target: T): T {
    this.entries += Array.isArray(target) ? target.length : Object.keys(target).length
    return new Proxy(target, {
      get: (_target, key) => {
        this.looks++
        return Reflect.get(target, key)
      },
      has: (_target, key) => {
        this.looks++
        return Reflect.has(target, key)
      },
      getOwnPropertyDescriptor: (_target, key) => {
        this.looks++
        return Reflect.getOwnPropertyDescriptor(target, key)
      },
      ownKeys: () => {
        const keys = Reflect.ownKeys(target)
        this.looks += keys.length
        return keys
      },
    })
  }

  /** Replaces the last entry by an accessor, and that of what it holds in turn. */
  private instrument(value: unknown, path: string): void {
    if (typeof value !== 'object' || value === null) return
    const key = Array.isArray(value) ? value.length - 1 : Object.keys(value).at(-1)
    if (key === undefined || key === -1) return
    const last = (value as Entries)[key]
    const place = `${path}.${key}`
    this.instrument(last, place)
    this.walks.set(place, 0)
    const get = () => {
      this.walks.set(place, this.walks.get(place)! + 1)
      return last
    }
    Object.defineProperty(value, key, { get, enumerable: true, configurable: true })
  }
}
