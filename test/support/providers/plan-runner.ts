/**
 * Carries plans out without a hub: asks a function instead of scouts, lets the planner decide and render, one task
 * after the other. It holds the planner to what the engine would refuse: unknown needs, names twice, too many tasks.
 */

import { isDeepStrictEqual } from 'node:util'
import type { NeedResult, Plan, PlannedTask } from '../../../orchestrator/engine/ports/planner.ts'
import { checkContract } from '../../../orchestrator/planner/contract/contract.ts'
import { decide } from '../../../orchestrator/planner/control/decide.ts'
import { render } from '../../../orchestrator/planner/request/render.ts'
import { bodyOfText } from '../../../orchestrator/planner/text/answer-text.ts'
import { type Fault, fault } from '../../../shared/faults.ts'
import { textOf } from '../../../shared/json/answer-text.ts'
import { decisionStagesMax, expandedIdCharsMax, intentTasksMax } from '../../../shared/limits/intents.ts'
import type { Json } from './provider-calls.ts'

/** Answers one request; null fails the task. */
export type Answering = (request: Json, node: string) => string | null

interface Ran {
  task: PlannedTask
  stage: number
  waitFor: string[]
  result: NeedResult | null
}

export class PlanRunner {
  readonly notes: string[] = []
  /** Every request that went out, in order. */
  readonly asked: { node: string; request: Json }[] = []
  private readonly tasks = new Map<string, Ran>()

  constructor(private readonly answer: Answering) {}

  get names(): string[] {
    return [...this.tasks.keys()]
  }

  result(node: string): NeedResult | null {
    return this.tasks.get(node)?.result ?? null
  }

  /** The text of the result, or the fault that stands in its place. */
  run(plan: Plan): string | Fault {
    this.join(plan.tasks)
    for (let moved = true; moved; ) {
      moved = false
      for (const ran of [...this.tasks.values()]) if (ran.result === null && this.advance(ran)) moved = true
    }
    const stuck = [...this.tasks.values()].filter(({ result }) => result === null)
    if (stuck.length > 0) throw new Error(`these never ended: ${stuck.map(({ task }) => task.node).join(', ')}`)
    const { body, fault: cause } = this.result(plan.resultNode)!
    return body === null ? cause! : textOf(body)
  }

  private join(tasks: readonly PlannedTask[]): void {
    for (const task of tasks) {
      if (this.tasks.has(task.node)) throw new Error(`the name ${task.node} is taken`)
      if (task.node.length > expandedIdCharsMax) throw new Error(`the name ${task.node} is too long`)
      const stranger = task.needs.find((need) => !this.tasks.has(need))
      if (stranger !== undefined) throw new Error(`${task.node} needs ${stranger}, which does not exist`)
      // As the store would: what is not JSON is lost here.
      const kept = task.control === undefined ? {} : { control: JSON.parse(JSON.stringify(task.control)) as unknown }
      this.tasks.set(task.node, { task: { ...task, ...kept }, stage: 0, waitFor: task.needs, result: null })
    }
    if (this.tasks.size > intentTasksMax) throw new Error(`there are ${this.tasks.size} tasks`)
  }

  private advance(ran: Ran): boolean {
    const results = ran.waitFor.map((name) => this.result(name))
    if (results.some((result) => result === null)) return false
    if (ran.task.control !== undefined) this.decide(ran, results as NeedResult[])
    else this.ask(ran, results as NeedResult[])
    return true
  }

  private decide(ran: Ran, results: NeedResult[]): void {
    const { node, control: spec } = ran.task
    const again = () => decide({ node, spec, stage: ran.stage, results })
    const decision = again()
    // Compared as they are: bytes written out as JSON would be most of the work.
    if (!isDeepStrictEqual(again(), decision)) throw new Error(`${node} is not decided twice alike`)
    if ('note' in decision && decision.note !== undefined) this.notes.push(decision.note)
    if (decision.type === 'done') this.end(ran, decision.result, null)
    else if (decision.type === 'failed') this.end(ran, null, decision.fault)
    else {
      if (decision.waitFor.length === 0) throw new Error(`${node} waits for nothing`)
      if (++ran.stage > decisionStagesMax) throw new Error(`${node} never comes to an end`)
      this.join(decision.tasks)
      const named = [...decision.waitFor, ...(decision.delegate === undefined ? [] : [decision.delegate])]
      const stranger = named.find((name) => !this.tasks.has(name))
      if (stranger !== undefined) throw new Error(`${node} waits for ${stranger}, which does not exist`)
      ran.waitFor = decision.waitFor
    }
  }

  private ask(ran: Ran, results: NeedResult[]): void {
    const { node, kind, request, isTemplate, contract } = ran.task
    if (results.some(({ state }) => state !== 'done')) {
      ran.result = { node, state: 'skipped', body: null, fault: null }
      return
    }
    const parents = results.map(({ node: parent, body }) => ({ node: parent, text: textOf(body!) }))
    const bytes = isTemplate ? render({ node, kind, request, parents, contextTokens: 0 }) : request
    if (!(bytes instanceof Uint8Array)) return this.end(ran, null, bytes)
    const sent = JSON.parse(Buffer.from(bytes).toString('utf8')) as Json
    this.asked.push({ node, request: sent })
    const text = this.answer(sent, node)
    const flaw = text === null ? 'no answer' : contract === undefined ? null : checkContract(contract, text)
    if (flaw !== null) this.end(ran, null, fault('contract_broken', flaw))
    else this.end(ran, bodyOfText(text!), null)
  }

  private end(ran: Ran, body: Uint8Array | null, cause: Fault | null): void {
    ran.result = { node: ran.task.node, state: body === null ? 'failed' : 'done', body, fault: cause }
  }
}
