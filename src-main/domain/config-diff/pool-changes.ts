import type { ConfigOutline } from '#contract'
import { compareNamed, placeOf } from './compare-named.ts'
import type { PlainChange } from './impact.ts'
import type { Side } from './side.ts'

type Pool = ConfigOutline['pools'][number]
type Server = Pool['servers'][number]

export function poolChanges(left: Side, right: Side): PlainChange[] {
  const { gone, come, both } = compareNamed(left.outline.pools, right.outline.pools, ({ context, name }) => {
    // a backend that became a listen section is the same pool
    return `${context === 'stream' ? 'stream' : ''} ${name}`
  })
  for (const pool of gone) left.cover(left.at(pool))
  for (const pool of come) right.cover(right.at(pool))
  return [
    ...gone.map((pool): PlainChange => ({ ...oneSide(pool, 'before'), what: 'pool.removed', subject: pool.name })),
    ...come.map((pool): PlainChange => ({ ...oneSide(pool, 'after'), what: 'pool.added', subject: pool.name })),
    ...both.flatMap(([one, other]) => [...algorithmChange(left, right, one, other), ...serverChanges(left, right, one, other)]),
  ]
}

const oneSide = (pool: Pool, side: 'before' | 'after'): Pick<PlainChange, 'before' | 'after' | 'at'> => {
  const servers = pool.servers.map(({ address }) => address).join(' ')
  return side === 'before'
    ? { before: servers, after: null, at: { before: placeOf(pool), after: null } }
    : { before: null, after: servers, at: { before: null, after: placeOf(pool) } }
}

function algorithmChange(left: Side, right: Side, one: Pool, other: Pool): PlainChange[] {
  if (one.algorithm === other.algorithm) return []
  const [from, to] = [[left, one] as const, [right, other] as const].map(([side, pool]) => {
    const first = pool.algorithm.split(' ')[0]
    const line = side.at(pool)?.inside?.find(({ words }) => words[0] === 'balance' || words[0] === first) ?? null
    side.cover(line)
    return placeOf(line ?? pool)
  })
  return [
    {
      what: 'pool.algorithm',
      subject: one.name,
      before: one.algorithm,
      after: other.algorithm,
      at: { before: from ?? null, after: to ?? null },
    },
  ]
}

function serverChanges(left: Side, right: Side, one: Pool, other: Pool): PlainChange[] {
  const { gone, come, both } = compareNamed(one.servers, other.servers, ({ name }) => name)
  for (const server of gone) left.cover(left.at(server))
  for (const server of come) right.cover(right.at(server))
  const subject = ({ name }: Server): string => `${other.name}/${name}`
  return [
    ...gone.map((server): PlainChange => {
      const at = { before: placeOf(server), after: null }
      return { what: 'server.removed', subject: subject(server), before: server.address, after: null, at }
    }),
    ...come.map((server): PlainChange => {
      const at = { before: null, after: placeOf(server) }
      return { what: 'server.added', subject: subject(server), before: null, after: server.address, at }
    }),
    ...both.flatMap(([from, to]) => {
      const facts: [PlainChange['what'], string, string][] = [
        ['server.address', from.address, to.address],
        ['server.weight', String(from.weight), String(to.weight)],
        ['server.check', yes(from.checked), yes(to.checked)],
        ['server.backup', yes(from.backup), yes(to.backup)],
        ['server.disabled', yes(from.disabled), yes(to.disabled)],
        ['server.options', otherOptions(left, from), otherOptions(right, to)],
      ]
      const differing = facts.filter(([, before, after]) => before !== after)
      if (differing.length > 0) {
        left.cover(left.at(from))
        right.cover(right.at(to))
      }
      const at = { before: placeOf(from), after: placeOf(to) }
      return differing.map(([what, before, after]): PlainChange => ({
        what,
        subject: subject(to),
        before,
        after,
        at,
        algorithm: other.algorithm,
      }))
    }),
  ]
}

const yes = (flag: boolean): string => (flag ? 'yes' : 'no')
const told = new Set(['backup', 'no-backup', 'disabled', 'enabled', 'check', 'no-check', 'down'])

/** What the line says beyond name, address and the facts above: `inter 1s fall 2`. */
function otherOptions(side: Side, server: Server): string {
  const words = side.at(server)?.words.slice(1) ?? []
  return words
    .filter((word, index) => {
      const isWeight = word === 'weight' || words[index - 1] === 'weight' || word.startsWith('weight=')
      return !isWeight && !told.has(word) && word !== server.name && word !== server.address
    })
    .join(' ')
}
