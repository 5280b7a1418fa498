/**
 * The prepared statements of one connection. Each part of the adapter prepares its statements here once, when the
 * store opens; closing the store ends them all, because an unfinished statement would keep the file open.
 */
import type { Database, SQLQueryBindings } from 'bun:sqlite'

export class Statements {
  private readonly kept: { finalize(): void }[] = []

  constructor(private readonly db: Database) {}

  /** Prepares a statement that lives as long as the store. */
  keep<Row, Params extends SQLQueryBindings[]>(sql: string): ReturnType<typeof this.db.prepare<Row, Params>> {
    const statement = this.db.prepare<Row, Params>(sql)
    this.kept.push(statement)
    return statement
  }

  finalize(): void {
    for (const statement of this.kept.splice(0)) statement.finalize()
  }
}
