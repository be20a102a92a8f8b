import { ServerState, type FleetDelta, type FleetSnapshot, type NodeView } from '#contract'
import * as v from 'valibot'
import { exitCodes, usageError, type ExitCode } from './exit-codes.ts'
import { readFleet, reportUnread, type Command } from './run-command.ts'
import { ageText, numberText, tableLines } from './terminal.ts'

export interface ServersFilter {
  state?: string
  pool?: string
  node?: string
}

/** Every server of every pool, joined across balancers. */
export async function servers(command: Command, timeoutMs: number, filter: ServersFilter): Promise<ExitCode> {
  if (filter.state !== undefined && !v.is(ServerState, filter.state)) {
    throw usageError(`"${filter.state}" is no state. States are ${ServerState.options.join(', ')}.`)
  }
  const snapshot = await readFleet(command, timeoutMs)
  const rows = serverRows(snapshot).filter(
    (row) =>
      (filter.state === undefined || row.state === filter.state) &&
      (filter.pool === undefined || row.pool === filter.pool || row.poolId === filter.pool) &&
      (filter.node === undefined || row.on.some((cell) => cell.node === filter.node)),
  )
  command.print(rows, () =>
    tableLines(
      ['POOL', 'SERVER', 'ADDRESS', 'STATE', 'NODE', 'WORD', 'WEIGHT', 'SESSIONS', 'QUEUE', 'RATE', 'READ'],
      rows.flatMap((row) =>
        row.on.map((cell, index) => [
          ...(index === 0
            ? [row.poolId, row.name, row.address, row.disagrees ? `${row.state} !` : row.state]
            : ['', '', '', '']),
          cell.node,
          cell.state === 'unknown' ? '?' : cell.word,
          numberText(cell.weight),
          numberText(cell.sessions),
          numberText(cell.queue),
          numberText(cell.rate),
          ageText(cell.readAt, snapshot.at),
        ]),
      ),
    ),
  )
  return reportUnread(command, snapshot)
}

/** The contract's servers, each balancer's cell with its age and why it could not be read. */
export function serverRows(snapshot: FleetSnapshot) {
  const pools = new Map(snapshot.pools.map((pool) => [pool.id, pool]))
  const nodes = new Map(snapshot.nodes.map((node) => [node.id, node]))
  return snapshot.servers.map(({ on, ...server }) => {
    const pool = pools.get(server.poolId)
    return {
      ...server,
      pool: pool?.name ?? '',
      kind: pool?.kind ?? null,
      on: on.map(({ nodeId, ...cell }) => {
        const node = nodes.get(nodeId)
        const service = node?.services.find((each) => each.kind === pool?.kind)
        const readAt = service?.readAt ?? null
        const error = node?.connection.state === 'connected' ? (service?.error ?? null) : (node?.connection.error ?? null)
        return {
          node: nodeId,
          ...cell,
          readAt,
          ageMs: readAt === null ? null : Math.max(0, snapshot.at - readAt),
          error: error === null ? null : { code: error.code, message: error.message },
        }
      }),
    }
  })
}

export async function nodes(command: Command, timeoutMs: number): Promise<ExitCode> {
  const snapshot = await readFleet(command, timeoutMs)
  command.print(snapshot.nodes, () =>
    tableLines(
      ['NODE', 'SITE', 'PAIR', 'ADDRESS', 'CONNECTION', 'SERVICES'],
      snapshot.nodes.map((node) => [
        node.id,
        node.site ?? '–',
        node.pair ?? '–',
        node.address,
        node.connection.state,
        servicesText(node),
      ]),
    ),
  )
  return reportUnread(command, snapshot)
}

function servicesText({ services }: NodeView): string {
  return services
    .map((service) => `${service.kind} ${service.version}${service.error === null ? '' : ' (unreadable)'}`)
    .join(', ')
}

/** Who holds the virtual addresses. Anything but "held" is a finding. */
export async function vips(command: Command, timeoutMs: number): Promise<ExitCode> {
  // Nodes are read at different moments: it takes a second round to tell two holders, or none, from a failover in between, and to hear
  // what the segment answered.
  await readFleet(command, timeoutMs)
  const snapshot = await readFleet(command, timeoutMs)
  command.print(snapshot.routers, () =>
    tableLines(
      ['ROUTER', 'VRID', 'ADDRESSES', 'VERDICT', 'HOLDERS', 'MEMBERS'],
      snapshot.routers.map((router) => [
        router.id,
        String(router.vrid),
        router.addresses.join(' '),
        router.verdict,
        [...router.holders, ...router.outsiders.map(({ nodeId, mac }) => `!${nodeId ?? mac}`)].join(' ') || '–',
        router.members
          .map((member) => `${member.nodeId} ${member.state ?? '?'} ${numberText(member.effectivePriority)}`)
          .join(', '),
      ]),
    ),
  )
  const unread = reportUnread(command, snapshot)
  if (unread !== exitCodes.ok) return unread
  return snapshot.routers.every((router) => router.verdict === 'held') ? exitCodes.ok : exitCodes.failed
}

/** Tells changes as they are read, until Ctrl-C. With --json, one JSON object per line: the snapshot, then every delta. */
export async function watch(command: Command, timeoutMs: number): Promise<ExitCode> {
  const { client, terminal, json, signal } = command
  const snapshot = await readFleet(command, timeoutMs)
  if (json) terminal.out(JSON.stringify({ type: 'snapshot', ...snapshot }))
  else for (const line of summaryLines(snapshot)) terminal.out(line)
  const tell = changeTeller(snapshot)
  const stop = client.on('fleet.changed', (delta) => {
    if (delta.seq <= snapshot.seq) return
    if (json) terminal.out(JSON.stringify({ type: 'delta', ...delta }))
    else for (const line of tell(delta)) terminal.out(line)
  })
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  stop()
  return exitCodes.ok
}

function summaryLines(snapshot: FleetSnapshot): string[] {
  const counts = new Map<string, number>()
  for (const server of snapshot.servers) counts.set(server.state, (counts.get(server.state) ?? 0) + 1)
  const states = [...counts].map(([state, count]) => `${count} ${state}`).join(', ')
  const connected = snapshot.nodes.filter((node) => node.connection.state === 'connected').length
  return [
    `${connected} of ${snapshot.nodes.length} nodes read, ${snapshot.servers.length} servers: ${states || 'none'}`,
    ...snapshot.problems.map((problem) => `! ${problem.id}`),
  ]
}

/** Lines for what differs from what was last told. */
function changeTeller(snapshot: FleetSnapshot): (delta: FleetDelta) => string[] {
  const told = new Map<string, string>()
  const changes = (list: Pick<FleetSnapshot, 'nodes' | 'servers' | 'routers'>): string[] => [
    ...list.nodes.flatMap((node) => change(`node ${node.id}`, node.connection.state)),
    ...list.servers.flatMap((server) =>
      server.on.flatMap((cell) => change(`${server.id} on ${cell.nodeId}`, cell.state, cell.word)),
    ),
    ...list.routers.flatMap((router) => change(`router ${router.id}`, `${router.verdict} ${router.holders.join(' ')}`.trim())),
  ]
  function change(subject: string, state: string, word = ''): string[] {
    const before = told.get(subject)
    told.set(subject, state)
    if (before === undefined || before === state) return []
    return [`${subject}: ${before} → ${state}${word === '' ? '' : ` (${word})`}`]
  }
  changes(snapshot)
  return (delta) => changes(delta).map((line) => `${new Date(delta.at).toISOString()} ${line}`)
}
