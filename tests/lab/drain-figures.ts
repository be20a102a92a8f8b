import type { DrainView } from '#contract'
import type { ConsoleOnLab } from './console-on-lab.ts'
import {
  cutInHaproxy,
  cutInNginx,
  drainInTurn,
  haproxyExercise,
  nginxExercise,
  reloadBare,
  reloadsOf,
  underLoad,
  type Exercise,
} from './drain-exercise.ts'
import type { Lab } from './lab.ts'
import { countsFrom, loadKinds, type LoadResult } from './steady-load.ts'

/** What the clients lose when all servers are taken out in turn: by drains, by bare reloads, by a cut. */
export interface DrainFigures {
  daemon: 'HAProxy' | 'nginx'
  drained: LoadResult
  /** as many reloads as the drains took, and nothing else; null = drains need none */
  reloaded: LoadResult | null
  /** of both balancers together */
  reloads: number
  cut: LoadResult
  drains: DrainView[]
}

interface Site {
  lab: Lab
  console: ConsoleOnLab
  /** for the load's own file */
  folder: string
}

/** @param rounds how often every server is taken out in each of the ways */
export async function measureHaproxy(site: Site, rounds: number): Promise<DrainFigures> {
  const { lab } = site
  const exercise = haproxyExercise(lab)
  const { drained, drains } = await drain(site, exercise, rounds)
  const cut = await repeat(site, exercise, rounds, () => cutInHaproxy(lab, exercise))
  return { daemon: 'HAProxy', drained, reloaded: null, reloads: 0, cut, drains }
}

/** @param turns of the pool's three; fewer are sooner done */
export async function measureNginx(site: Site, rounds: number, turns = 3): Promise<DrainFigures> {
  const { lab, console } = site
  const whole = await nginxExercise(lab)
  const exercise = { ...whole, turns: whole.turns.slice(0, turns) }
  await console.client.call('fleet.refresh', {})
  const before = await reloadsOf(lab)
  const { drained, drains } = await drain(site, exercise, rounds)
  const reloads = (await reloadsOf(lab)).map((count, at) => count - (before[at] ?? 0))
  const reloaded = await repeat(site, exercise, 1, () => reloadBare(lab, reloads))
  const cut = await repeat(site, exercise, rounds, () => cutInNginx(lab, exercise))
  return { daemon: 'nginx', drained, reloaded, reloads: reloads.reduce((total, count) => total + count, 0), cut, drains }
}

async function drain(site: Site, exercise: Exercise, rounds: number) {
  const drains: DrainView[] = []
  const drained = await repeat(
    site,
    exercise,
    rounds,
    async () => void drains.push(...(await drainInTurn(site.console, exercise))),
  )
  return { drained, drains }
}

function repeat({ lab, folder }: Site, { targets }: Exercise, rounds: number, act: () => Promise<void>): Promise<LoadResult> {
  return underLoad(lab, folder, targets, async () => {
    for (let round = 0; round < rounds; round += 1) await act()
  })
}

/** Everything that was lost, whoever lost it. */
export const lostIn = (result: LoadResult): number => loadKinds.reduce((total, kind) => total + result[kind].lost, 0)

export function drainTable(figures: readonly DrainFigures[]): string {
  const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`
  const rows = figures.flatMap(({ daemon, drained, reloaded, reloads, cut }) => [
    line(`${daemon}, drained and put back`, drained),
    ...(reloaded === null ? [] : [line(`${daemon}, ${reloads} bare reloads, as many as the drains took`, reloaded)]),
    line(`${daemon}, ${daemon === 'nginx' ? '`down` and old workers killed' : '`maint` and sessions shut down'}`, cut),
  ])
  function line(what: string, result: LoadResult): string {
    const cells = Object.values(countsFrom((kind) => `${result[kind].lost} of ${result[kind].done + result[kind].lost}`))
    return row([what, ...cells])
  }
  return [row(['lost', ...loadKinds]), row(['---', ...loadKinds.map(() => '---:')]), ...rows].join('\n')
}
