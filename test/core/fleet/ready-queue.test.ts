/** The queue of one model: turns between tenants, deadlines inside one, and the position that clients are shown. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Task } from '../../../orchestrator/core/model/object-graph.ts'
import { ReadyQueue } from '../../../orchestrator/core/model/ready-queue.ts'
import '../../support/law/seeded-properties.ts'

let sequence = 0

/** As much of a task as the queue looks at. */
function waiting(tenant: string, deadlineMs = 1_000): Task {
  return { id: ++sequence, tenant, weight: 1, priority: 5, deadlineMs, sequence, heapIndex: -1 } as Task
}

function queueOf(tasks: readonly Task[]): ReadyQueue<Task> {
  const queue = new ReadyQueue<Task>()
  for (const task of tasks) queue.push(task)
  return queue
}

function serveAll(queue: ReadyQueue<Task>): Task[] {
  const served: Task[] = []
  for (let task = pop(queue); task !== undefined; task = pop(queue)) served.push(task)
  return served
}

const anything = () => true

function pop(queue: ReadyQueue<Task>): Task | undefined {
  const task = queue.peek(anything)
  if (task !== undefined) queue.serve(task)
  return task
}

describe('the ready queue', () => {
  test('delays a single request by one place, however many another tenant has', () => {
    const busy = Array.from({ length: 1_000 }, () => waiting('busy'))
    const queue = queueOf(busy)
    const single = waiting('quiet')
    queue.push(single)
    expect(queue.position(single)).toBe(1)
    expect(serveAll(queue).indexOf(single)).toBe(1)
  })

  test('gives tenants equal shares while all of them have tasks', () => {
    const tasks = ['a', 'b', 'c'].flatMap((tenant) => Array.from({ length: 30 }, () => waiting(tenant)))
    const served = serveAll(queueOf(tasks))
    for (let from = 0; from < 90; from += 3) {
      expect(new Set(served.slice(from, from + 3).map((task) => task.tenant)).size).toBe(3)
    }
  })

  test('serves the earliest deadline of a tenant first, and equal ones in order of arrival', () => {
    const [late, early, first, second] = [waiting('t', 900), waiting('t', 100), waiting('t', 500), waiting('t', 500)]
    expect(serveAll(queueOf([late, early, first, second]))).toEqual([early, first, second, late])
  })

  test('keeps a tenant at its turn when a task of it is taken out without being served', () => {
    const [a1, a2, b1] = [waiting('a'), waiting('a'), waiting('b')]
    const queue = queueOf([a1, a2, b1])
    queue.remove(a1)
    expect(serveAll(queue)).toEqual([a2, b1])
  })

  test('peeks at exactly what it would pop', () => {
    const queue = queueOf(['a', 'a', 'b', 'c', 'b'].map((tenant) => waiting(tenant)))
    while (queue.size > 0) {
      const next = queue.peek(anything)
      expect(pop(queue)).toBe(next)
      expect(next!.heapIndex).toBe(-1)
    }
    expect(queue.peek(anything)).toBeUndefined()
    expect(pop(queue)).toBeUndefined()
  })

  test('tells every task the place at which it is really served', () => {
    const arrivals = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.nat(5)), { minLength: 1, maxLength: 40 })
    const disturbances = fc.array(fc.tuple(fc.boolean(), fc.nat(100)), { maxLength: 20 })
    fc.assert(
      fc.property(arrivals, disturbances, (specs, disturbed) => {
        const tasks = specs.map(([tenant, deadlineMs]) => waiting(tenant, deadlineMs))
        const queue = queueOf(tasks)
        const left = new Set(tasks)
        for (const [isPop, pick] of disturbed) {
          const victim = isPop ? pop(queue) : [...left][pick % left.size]
          if (victim === undefined) break
          if (!isPop) queue.remove(victim)
          left.delete(victim)
          if (left.size === 0) break
        }
        expect(queue.size).toBe(left.size)
        expect(new Set(queue)).toEqual(left)
        const told = new Map([...left].map((task) => [task, queue.position(task)]))
        const served = serveAll(queue)
        expect(served.length).toBe(left.size)
        for (const [place, task] of served.entries()) expect(told.get(task)).toBe(place)
      }),
      { numRuns: 500 },
    )
  })
})
