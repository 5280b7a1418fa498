/** The types of `child.mjs`, for the parts of the bench that are TypeScript. */
import type { ChildSetting } from './runner/peer-child.ts'

export const setting: ChildSetting
export function ready(facts?: Record<string, string>): void
export function openWorkers(open: (index: number) => Promise<void>, width?: number): Promise<void>
