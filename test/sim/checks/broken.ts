/** What ends the life of a seed: the first invariant that does not hold. Thrown by the checker. */
export class Broken extends Error {
  constructor(
    readonly invariant: number,
    what: string,
  ) {
    super(`${invariant}. ${what}`)
    this.name = 'Broken'
  }
}
