import type { Algorithm } from '../../src-main/domain/balance/create-picker.ts'
import type { BalanceServer } from '../../src-main/domain/balance/picker.ts'
import { seededRandom } from '../../src-main/domain/balance/simulate.ts'

/** One pool of one daemon, and what the model says it does. */
export interface BalanceCase {
  readonly name: string
  readonly daemon: 'haproxy' | 'nginx'
  /** lines of the backend or upstream, without the servers */
  readonly lines: readonly string[]
  readonly algorithm: Algorithm
  readonly servers: readonly BalanceServer[]
  /** as in a TrafficPlan */
  readonly inFlight: number | null
  /** weights that an operator sets at run time (HAProxy), each before the request of that number */
  readonly changes: readonly { readonly before: number; readonly servers: readonly BalanceServer[] }[]
  /** true: each choice is the model's, in the same order; false: the daemon draws lots, and the shares are the model's */
  readonly exact: boolean
}

/** Two cases that differ in their servers: what share of the keys goes elsewhere. */
export interface MoveCase {
  readonly name: string
  readonly change: string
  /** a drain: this server takes no new work, and what the others carry was predicted */
  readonly leaving: string | null
  readonly before: string
  readonly after: string
}

export const addressOf = (server: BalanceServer): string => `127.0.0.1:900${server.id}`

/** Servers 1, 2, … behind 127.0.0.1:9001, 9002, …; weight 0 is one that was taken out and keeps the place of weight 1 where it has one. */
const pool = (...weights: number[]): BalanceServer[] =>
  weights.map((weight, at) => ({ id: String(at + 1), weight, ...(weight === 0 && { keptWeight: 1 }) }))

const all: BalanceCase[] = []
const moves: MoveCase[] = []

function add(
  daemon: BalanceCase['daemon'],
  name: string,
  lines: readonly string[],
  algorithm: Algorithm,
  servers: readonly BalanceServer[],
  options: Partial<Pick<BalanceCase, 'inFlight' | 'changes' | 'exact'>>,
): void {
  // nginx places a server by what its configuration says
  const placed = daemon === 'nginx' ? servers.map((server) => ({ ...server, hashedBy: addressOf(server) })) : servers
  all.push({
    name: `${daemon} ${name}`,
    daemon,
    lines,
    algorithm,
    servers: placed,
    inFlight: 0,
    changes: [],
    exact: true,
    ...options,
  })
}

/** The algorithm over five servers, and again after each change of the set. */
function addHash(
  daemon: BalanceCase['daemon'],
  name: string,
  lines: readonly string[],
  algorithm: Algorithm,
  changed: Readonly<Record<string, readonly BalanceServer[]>>,
  five = pool(1, 1, 1, 1, 1),
): void {
  add(daemon, name, lines, algorithm, five, { inFlight: null })
  for (const [change, servers] of Object.entries(changed)) {
    add(daemon, `${name}, ${change}`, lines, algorithm, servers, { inFlight: null })
    const leaving = servers.find(({ weight }) => weight === 0)?.id ?? null
    moves.push({
      name: `${daemon} ${name}`,
      change,
      leaving,
      before: `${daemon} ${name}`,
      after: `${daemon} ${name}, ${change}`,
    })
  }
}

const weighted = pool(5, 3, 1, 1)
const five = pool(1, 1, 1, 1, 1)
const busy = 12
/** everything stays at work to the end: what counts is how evenly it piled up */
const pilingUp = Number.MAX_SAFE_INTEGER
/** Forty times a server gets another weight, of 0 to 9, or is taken out or put back. */
const unrest = (): BalanceCase['changes'] => {
  const random = seededRandom()
  let weights = weighted.map(({ weight }) => weight)
  return Array.from({ length: 40 }, (_, at) => {
    weights = weights.with(Math.floor(random() * weights.length), Math.floor(random() * 10))
    return { before: 10 + at * 17, servers: pool(...weights) }
  })
}

add('haproxy', 'roundrobin', ['balance roundrobin'], { kind: 'haproxy-roundrobin' }, weighted, {})
add('nginx', 'round robin', [], { kind: 'nginx-round-robin' }, weighted, {})
add('haproxy', 'roundrobin, weights change', ['balance roundrobin'], { kind: 'haproxy-roundrobin' }, weighted, {
  changes: unrest(),
})
add('haproxy', 'leastconn, idle', ['balance leastconn'], { kind: 'haproxy-leastconn' }, weighted, {})
add('nginx', 'least_conn, idle', ['least_conn'], { kind: 'nginx-least-conn' }, weighted, {})
add('haproxy', 'leastconn, busy', ['balance leastconn'], { kind: 'haproxy-leastconn' }, weighted, { inFlight: busy })
add('nginx', 'least_conn, busy', ['least_conn'], { kind: 'nginx-least-conn' }, weighted, { inFlight: busy })
add('haproxy', 'leastconn, busy, weights change', ['balance leastconn'], { kind: 'haproxy-leastconn' }, weighted, {
  inFlight: busy,
  changes: unrest(),
})

add('haproxy', 'random(1)', ['balance random(1)'], { kind: 'haproxy-random', draws: 1 }, weighted, { exact: false })
add('nginx', 'random', ['random'], { kind: 'random', choices: 1 }, weighted, { exact: false })
add('nginx', 'random two, idle', ['random two'], { kind: 'random', choices: 2 }, weighted, { exact: false })
add('haproxy', 'random(1), piling up', ['balance random(1)'], { kind: 'haproxy-random', draws: 1 }, five, {
  exact: false,
  inFlight: pilingUp,
})
add('nginx', 'random, piling up', ['random'], { kind: 'random', choices: 1 }, five, { exact: false, inFlight: pilingUp })
add('haproxy', 'random(2), piling up', ['balance random'], { kind: 'haproxy-random', draws: 2 }, five, {
  exact: false,
  inFlight: pilingUp,
})
add('nginx', 'random two, piling up', ['random two'], { kind: 'random', choices: 2 }, five, {
  exact: false,
  inFlight: pilingUp,
})

const uri = ['balance uri', 'hash-type consistent']
const sixth = pool(1, 1, 1, 1, 1, 1)
const thirdOut = pool(1, 1, 0, 1, 1)
const inHaproxy = { 'a sixth joins': sixth, 'one is taken out': thirdOut }
const inNginx = {
  'a sixth joins': sixth,
  'one is down': thirdOut,
  'one is removed': five.filter((server) => server.id !== '3'),
}
addHash('haproxy', 'source', ['balance source'], { kind: 'haproxy-hash', of: 'address' }, inHaproxy)
addHash('haproxy', 'uri consistent', uri, { kind: 'haproxy-consistent-hash', of: 'text' }, inHaproxy)
addHash(
  'haproxy',
  'uri consistent, weight 10',
  uri,
  { kind: 'haproxy-consistent-hash', of: 'text' },
  { 'a sixth joins': pool(10, 10, 10, 10, 10, 10), 'one is taken out': pool(10, 10, 0, 10, 10) },
  pool(10, 10, 10, 10, 10),
)
addHash('nginx', 'ip_hash', ['ip_hash'], { kind: 'nginx-ip-hash' }, inNginx)
addHash('nginx', 'hash', ['hash $request_uri'], { kind: 'nginx-hash' }, inNginx)
addHash('nginx', 'hash consistent', ['hash $request_uri consistent'], { kind: 'nginx-consistent-hash' }, inNginx)

export const balanceCases: readonly BalanceCase[] = all
export const moveCases: readonly MoveCase[] = moves
