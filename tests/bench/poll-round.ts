import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NodeId } from '#contract'
import * as v from 'valibot'
import type { BoundService } from '../../src-main/app/ports/driver.ts'
import type { NodeSession } from '../../src-main/app/ports/node-session.ts'
import { createHaproxyDriver } from '../../src-main/drivers/haproxy/driver.ts'
import { probeNodeFacts } from '../../src-main/drivers/linux/node-facts.ts'
import { systemClock } from '../../src-main/system-clock.ts'
import { openBare } from './bare-ssh.ts'
import { createSessions } from './fleet-sessions.ts'
import { printRace, race } from './measure.ts'
import { openShared } from './open-ssh.ts'
import { recordSession, type Request } from './recording-session.ts'
import { startSshFleet } from './ssh-fleet.ts'

const SERVERS = 500
const NODE_COUNTS = [1, 10, 100]
const limits = () => ({ signal: new AbortController().signal, timeoutMs: 120_000 })

/** One round = every node's HAProxy read once, all nodes at the same time. */
export async function benchPoll(): Promise<void> {
  for (const count of NODE_COUNTS) {
    const fleet = await startSshFleet(count, SERVERS)
    const folder = mkdtempSync(join(tmpdir(), 'evenkeel-poll-'))
    const sessions = createSessions(fleet)
    try {
      const bound = await Promise.all(
        fleet.nodes.map(async (_node, index) => bindNode(await sessions.session(idOf(index), limits()))),
      )
      const requests = await recordRound(bound)
      const bare = await Promise.all(
        fleet.nodes.map(({ host, port }) => openBare({ host, port, privateKey: fleet.privateKey })),
      )
      const shared = await openShared(fleet, folder)
      const results = await race(
        [
          {
            name: 'bare ssh2, the same bytes, not parsed',
            run: () => Promise.all(bare.map((connection) => connection.ask(requests))),
          },
          {
            name: 'Evenkeel, parsed into readings',
            run: () => Promise.all(bound.map(({ session, service }) => service.observe(session, limits()))),
          },
          { name: 'OpenSSH shared connection and socat', run: () => shared.round() },
        ],
        count === 100 ? 9 : 25,
      )
      printRace(
        `(a) one round of ${count} node${count === 1 ? '' : 's'} × ${SERVERS} servers (goal: at most 1.3 × of bare ssh2)`,
        results,
      )
      for (const connection of bare) connection.close()
      shared.close()
    } finally {
      await sessions.close()
      fleet.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

const idOf = (index: number) => v.parse(NodeId, `n${index + 1}`)

async function bindNode(session: NodeSession): Promise<{ session: NodeSession; service: BoundService }> {
  const driver = createHaproxyDriver({ clock: systemClock })
  const detected = await driver.detect(session, await probeNodeFacts(session, limits()), {}, limits())
  if (detected === null) throw new Error(`no HAProxy was found on ${session.nodeId}`)
  const service = driver.bind(detected)
  const reading = await service.observe(session, limits())
  const servers = reading.kind === 'haproxy' ? reading.pools.reduce((sum, pool) => sum + pool.servers.length, 0) : 0
  if (servers < SERVERS) throw new Error(`${session.nodeId} shows ${servers} servers, not ${SERVERS}`)
  return { session, service }
}

/** What a settled round asks of a node. */
async function recordRound(bound: readonly { session: NodeSession; service: BoundService }[]): Promise<Request[]> {
  const [first] = bound
  const requests: Request[] = []
  if (first) await first.service.observe(recordSession(first.session, requests), limits())
  const other = requests.filter((request) => request.kind === 'other')
  if (other.length > 0) throw new Error(`a settled round should only ask sockets, not ${JSON.stringify(other)}`)
  return requests
}
