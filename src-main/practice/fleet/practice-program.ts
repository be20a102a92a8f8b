import * as v from 'valibot'
import { PracticeDeed, PracticeRepair, type PracticeFacts } from '#contract'
import type { Program } from '../machine/machine.ts'

/** What the `practice` command of a practice machine acts on. */
export interface Troubled {
  facts(): PracticeFacts
  do(deed: PracticeDeed): Promise<PracticeFacts>
  revert(repair: PracticeRepair): Promise<PracticeFacts>
}

const usage = `usage: practice status [--json]
       practice do SCENARIO [TARGET] [--value N] [--json]
       practice revert [SCENARIO [TARGET]] [--json]
`

/** Makes things happen to the fleet that the machine belongs to, for whoever may log in to it. */
export function practiceProgram(fleet: Troubled): Program {
  return async (call) => {
    const words = call.argv.slice(1)
    const take = (word: string, length: number): string[] | null => {
      const at = words.indexOf(word)
      return at === -1 ? null : words.splice(at, length)
    }
    const json = take('--json', 1) !== null
    const value = take('--value', 2)?.[1]
    const [verb, scenario, target, ...rest] = words
    if (rest.length > 0) return refuse(usage)
    const named = { ...(scenario === undefined ? {} : { scenario }), ...(target === undefined ? {} : { target }) }
    try {
      if (verb === 'status' && scenario === undefined && value === undefined) return say(fleet.facts())
      if (verb === 'do') {
        const deed = v.safeParse(PracticeDeed, { ...named, ...(value === undefined ? {} : { value: Number(value) }) })
        return deed.success ? say(await fleet.do(deed.output)) : refuse(usage)
      }
      if (verb === 'revert' && value === undefined) {
        const repair = v.safeParse(PracticeRepair, named)
        return repair.success ? say(await fleet.revert(repair.output)) : refuse(usage)
      }
    } catch (thrown) {
      call.stderr(`practice: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`)
      return 1
    }
    return refuse(usage)

    function say(facts: PracticeFacts): number {
      call.stdout(json ? `${JSON.stringify(facts)}\n` : factLines(facts))
      return 0
    }
    function refuse(text: string): number {
      call.stderr(text)
      return 2
    }
  }
}

function factLines({ scenarios }: PracticeFacts): string {
  return scenarios
    .map(({ id, text, active }) => {
      const where = active.map(({ target, value }) => [target ?? 'everywhere', ...(value === null ? [] : [value])].join(' '))
      return `${id.padEnd(17)} ${where.length === 0 ? '-' : where.join(', ')}\n    ${text}\n`
    })
    .join('')
}
