import { beforeAll, expect, it } from 'vitest'
import { seededRandom } from '../../src-main/domain/balance/simulate.ts'
import { balanceCases, moveCases, type BalanceCase } from './balance-cases.ts'
import { chiSquare, chiSquareLimit, countsOf, movedShare, predictionError } from './balance-figures.ts'
import { measureBalance, modelOf, type BalanceRun, type Measured } from './balance-room.ts'
import { describeLab } from './describe-lab.ts'

const requestsOf = (one: BalanceCase): number => (one.changes.length === 0 && one.inFlight === 0 && one.exact ? 2000 : 1000)

/** Of those whose load piles up: with two choices the counts depend on each other, and no chi-square holds for them. */
const drawsTwice = ({ algorithm, inFlight }: BalanceCase): boolean =>
  inFlight !== 0 &&
  (algorithm.kind === 'haproxy-random' ? algorithm.draws > 1 : algorithm.kind === 'random' && algorithm.choices === 2)

describeLab('The balance model and the real daemons', () => {
  let run: BalanceRun
  const measured = (name: string): Measured =>
    run.measured.find((each) => each.case.name === name) ?? expect.fail(`${name} was not measured`)

  beforeAll(async () => {
    run = await measureBalance(requestsOf)
  })

  it.each(balanceCases.filter(({ exact }) => exact))('$name: each choice is the same', (one) => {
    const { daemon, model } = measured(one.name)
    expect(daemon).toHaveLength(requestsOf(one))
    expect(daemon.join('')).toBe(model.join(''))
  })

  it.each(balanceCases.filter((one) => !one.exact && !drawsTwice(one)))(
    '$name: the shares are the same within the statistical error',
    (one) => {
      const { daemon } = measured(one.name)
      expect(chiSquare(one, daemon, modelOf(one, 200_000, seededRandom(7)))).toBeLessThan(chiSquareLimit(one))
    },
  )

  it.each(balanceCases.filter((one) => !one.exact && drawsTwice(one)))(
    '$name: the fullest server has hardly more than the mean',
    (one) => {
      const { daemon } = measured(one.name)
      expect(Math.max(...countsOf(one, daemon).values())).toBeLessThanOrEqual(daemon.length / one.servers.length + 8)
    },
  )

  it.each(moveCases)('$name, $change: the share of the keys that move is the same', ({ before, after }) => {
    const [then, now] = [measured(before), measured(after)]
    expect(movedShare(then.daemon, now.daemon)).toBe(movedShare(then.model, now.model))
  })

  it.each(moveCases.filter(({ leaving }) => leaving !== null))(
    '$name, $change: what the survivors carry was predicted',
    ({ before, after, leaving }) => {
      const { case: one, daemon } = measured(before)
      // of 1000 keys 250 are for each survivor: three standard deviations of what another thousand would have been
      expect(predictionError(one, leaving ?? '', daemon, measured(after).daemon)).toBeLessThan(0.17)
    },
  )

  it.each(['haproxy uri consistent', 'haproxy uri consistent, weight 10', 'nginx hash consistent'])(
    '%s: a sixth server takes keys from the others and nothing else moves',
    (name) => {
      const before = measured(name).daemon
      const after = measured(`${name}, a sixth joins`).daemon
      expect(after.filter((id, at) => id !== before[at]).every((id) => id === '6')).toBe(true)
    },
  )
})
