import { coefficientOfVariation, movedShareOf, sharesOf } from '../../src-main/domain/balance/predict.ts'
import type { BalanceServer } from '../../src-main/domain/balance/picker.ts'
import { sampleKeys, seededRandom } from '../../src-main/domain/balance/simulate.ts'
import { moveCases, type BalanceCase } from './balance-cases.ts'
import { chiSquare, chiSquareLimit, countsOf, movedShare, predictionError } from './balance-figures.ts'
import { measureBalance, modelOf, type Measured } from './balance-room.ts'

/** Prints the tables of docs/balance.md: `node tests/lab/balance-table.ts`, as root on Linux with haproxy and nginx. */
const requestsOf = (one: BalanceCase): number => (one.inFlight === Number.MAX_SAFE_INTEGER ? 2000 : 10_000)
const percent = (share: number): string => (share * 100).toFixed(1)
const sharesText = (one: BalanceCase, choices: readonly (string | null)[]): string =>
  [...countsOf(one, choices).values()].map((count) => percent(count / choices.length)).join(' / ')

function agreement({ case: one, daemon, model }: Measured): string {
  if (one.exact) return `${daemon.filter((id, at) => id === model[at]).length} of ${daemon.length} choices`
  if (one.inFlight !== 0) {
    const fullest = (choices: readonly (string | null)[]): number => Math.max(...countsOf(one, choices).values())
    return `fullest ${fullest(daemon)}, model ${fullest(model)}, mean ${daemon.length / one.servers.length}`
  }
  return `χ² ${chiSquare(one, daemon, modelOf(one, 200_000, seededRandom(7))).toFixed(1)}, limit ${chiSquareLimit(one).toFixed(1)}`
}

const run = await measureBalance(requestsOf)
const find = (name: string): Measured => {
  const found = run.measured.find((each) => each.case.name === name)
  if (found === undefined) throw new Error(`"${name}" was not measured.`)
  return found
}
console.log(`HAProxy ${run.haproxyVersion}, nginx ${run.nginxVersion}\n`)
console.log('| pool | requests | daemon, % | model, % | agreement |\n|---|---|---|---|---|')
for (const each of run.measured) {
  if (moveCases.some(({ after }) => after === each.case.name)) continue
  const model = each.case.exact || each.case.inFlight !== 0 ? each.model : modelOf(each.case, 200_000, seededRandom(7))
  const cells = [
    each.case.name,
    each.daemon.length,
    sharesText(each.case, each.daemon),
    sharesText(each.case, model),
    agreement(each),
  ]
  console.log(`| ${cells.join(' | ')} |`)
}

console.log(
  '\n| pool | change | keys that move, daemon | model | same server for | survivors predicted to within |\n|---|---|---|---|---|---|',
)
for (const { name, change, before, after, leaving } of moveCases) {
  const [then, now] = [find(before), find(after)]
  const moved = [movedShare(then.daemon, now.daemon), movedShare(then.model, now.model)].map((share) => `${percent(share)} %`)
  const error = leaving === null ? '' : `${percent(predictionError(then.case, leaving, then.daemon, now.daemon))} %`
  console.log(`| ${[name, change, ...moved, agreement(now), error].join(' | ')} |`)
}

console.log('\n| circle | CV of 5 servers | CV, mean of 100 pools | a sixth joins | one leaves |\n|---|---|---|---|---|')
const pool = (servers: number, name = ''): BalanceServer[] =>
  Array.from({ length: servers }, (_, at) => ({ id: String(at + 1), weight: 1, hashedBy: `${name}${at + 1}` }))
const unevenness = (virtualNodes: number, servers: readonly BalanceServer[]): number =>
  coefficientOfVariation([...sharesOf({ kind: 'consistent-hash', virtualNodes, replicas: 1 }, servers, 0, keys).values()])
const keys = sampleKeys({ kind: 'nginx-hash' }, 10_000)
for (const virtualNodes of [50, 150, 500]) {
  const algorithm = { kind: 'consistent-hash', virtualNodes, replicas: 1 } as const
  const many = Array.from({ length: 100 }, (_, at) => unevenness(virtualNodes, pool(5, `pool ${at} `)))
  const figures = [
    unevenness(virtualNodes, pool(5)).toFixed(3),
    (many.reduce((sum, one) => sum + one, 0) / many.length).toFixed(3),
    `${percent(movedShareOf(algorithm, pool(5), pool(6), keys))} %`,
    `${percent(movedShareOf(algorithm, pool(5), pool(4), keys))} %`,
  ]
  console.log(`| ${[`model, ${virtualNodes} virtual nodes`, ...figures].join(' | ')} |`)
}
for (const [circle, name] of [
  ['HAProxy, weight 1: 16 points a server', 'haproxy uri consistent'],
  ['HAProxy, weight 10: 160', 'haproxy uri consistent, weight 10'],
  ['nginx, weight 1: 160', 'nginx hash consistent'],
] as const) {
  const five = find(name)
  const moves = moveCases.filter(({ before }) => before === name)
  const moved = (joins: boolean): string => {
    const { after } = moves.find(({ change }) => (change === 'a sixth joins') === joins) ?? { after: '' }
    return `${percent(movedShare(five.daemon, find(after).daemon))} %`
  }
  const measuredCv = coefficientOfVariation([...countsOf(five.case, five.daemon).values()]).toFixed(3)
  console.log(`| ${[circle, measuredCv, '', moved(true), moved(false)].join(' | ')} |`)
}
