/**
 * The models that a restricted key may use, of those offered now: `auto` chooses among them, and catalogues show no
 * others. The engine gives out the same list until something in it changes, and so does this for each key.
 */
import type { TaskKind } from '../../../shared/task.ts'
import { allowsModel } from '../../tenants/scopes.ts'
import type { ChargedKey } from '../ports/charged-key.ts'
import type { ModelListing } from '../ports/client.ts'

type Scopes = ChargedKey['scopes']

export class AllowedModels {
  /** By the scopes of a key, which stay the same object while nobody changes them. */
  private readonly known = new WeakMap<Scopes, { of: readonly ModelListing[]; allowed: ModelListing[] }>()

  constructor(
    private readonly models: () => readonly ModelListing[],
    private readonly random: () => number,
  ) {}

  of(scopes: Scopes): readonly ModelListing[] {
    const all = this.models()
    if (scopes.models === null) return all
    const known = this.known.get(scopes)
    if (known?.of === all) return known.allowed
    const allowed = all.filter(({ id }) => allowsModel(scopes, id))
    this.known.set(scopes, { of: all, allowed })
    return allowed
  }

  /** One that has room, as far as two that are drawn show; null when none is offered. */
  choose(scopes: Scopes, kind: TaskKind): string | null {
    const fitting = this.of(scopes).filter(({ kinds }) => kinds.includes(kind))
    const draw = () => fitting[Math.floor(this.random() * fitting.length)]
    const [one, other] = [draw(), draw()]
    if (one === undefined || other === undefined) return null
    return other.idle > one.idle ? other.id : one.id
  }
}
