/**
 * The error of an engine that met a defect. Its edges recognize it by this class, so that no client and no scout is
 * blamed for it; the engine's guard makes it, and `main.ts` ends the process over it.
 */
export class EngineDefect extends Error {
  constructor(
    /** The type of the event, or the name of the work that failed. */
    readonly during: string,
    /** Plain fields of the event. */
    readonly fields: Readonly<Record<string, string | number>>,
    cause: unknown,
  ) {
    super(`the engine cannot continue after "${during}": ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
    this.name = 'EngineDefect'
  }
}
