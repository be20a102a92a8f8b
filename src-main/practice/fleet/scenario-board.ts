import type { PracticeDeed, PracticeRepair, PracticeScenario } from '#contract'
import { NoSuchTarget, scenarios, type Levers, type Scenario, type Undo } from './scenarios.ts'

/** Which scenarios are on. One thing is done after the other. */
export interface ScenarioBoard {
  list(): PracticeScenario[]
  /** What is on already is done anew with the value given. Rejects with a whole sentence. */
  do(deed: PracticeDeed): Promise<void>
  revert(repair: PracticeRepair): Promise<void>
}

interface Active {
  scenario: Scenario
  /** null: the whole fleet */
  target: string | null
  value: number | null
  since: number
  undo: Undo
}

export function createScenarioBoard(levers: Levers, now: () => number): ScenarioBoard {
  let active: Active[] = []
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work)
    last = mine.catch(() => undefined)
    return mine
  }

  async function undoAll(which: (each: Active) => boolean): Promise<void> {
    // The newest first, as a stack: what was done on top goes before what is below it.
    for (const each of active.filter(which).reverse()) {
      await each.undo()
      active = active.filter((other) => other !== each)
    }
  }

  return {
    list: () =>
      scenarios.map(({ id, on, text, value }) => ({
        ...{ id, on, text, value },
        active: active
          .filter(({ scenario }) => scenario.id === id)
          .map(({ target, value: figure, since }) => ({ target, value: figure, since })),
      })),

    do: ({ scenario: id, target: asked, value: figure }) =>
      inTurn(async () => {
        const scenario = scenarios.find((each) => each.id === id)
        if (scenario === undefined) throw new NoSuchTarget(`There is no scenario "${id}".`)
        const target = targetOf(scenario, asked, levers)
        const value = valueOf(scenario, figure)
        const isSameLever = (each: Active): boolean =>
          each.target === target &&
          (each.scenario.lever === scenario.lever || (scenario.lever === 'power' && each.scenario.on === 'node'))
        await undoAll(isSameLever)
        const undo = await scenario.start(levers, target ?? '', value ?? 0)
        active.push({ scenario, target, value, since: now(), undo })
      }),

    revert: ({ scenario, target }) =>
      inTurn(() =>
        undoAll(
          (each) =>
            (scenario === undefined || each.scenario.id === scenario) && (target === undefined || each.target === target),
        ),
      ),
  }
}

function targetOf({ id, on }: Scenario, asked: string | undefined, { sites }: Levers): string | null {
  if (on === 'fleet') {
    if (asked === undefined) return null
    throw new NoSuchTarget(`"${id}" is about the whole fleet; it takes no target.`)
  }
  const noun = { backend: 'server', node: 'balancer', site: 'site' }[on]
  if (asked === undefined) throw new NoSuchTarget(`"${id}" happens to one ${noun}; say which.`)
  if (on === 'site' && !sites.includes(asked)) {
    throw new NoSuchTarget(`The practice fleet has no site "${asked}"; it has ${sites.join(' and ')}.`)
  }
  return asked
}

function valueOf({ id, value }: Scenario, figure: number | undefined): number | null {
  if (value === null) {
    if (figure === undefined) return null
    throw new NoSuchTarget(`"${id}" takes no value.`)
  }
  const { minimum, maximum, normal, unit } = value
  const meant = figure ?? normal
  if (meant >= minimum && meant <= maximum) return meant
  throw new NoSuchTarget(`"${id}" takes a value from ${minimum} to ${maximum} (${unit}), not ${meant}.`)
}
