import { systemClock } from '../../src-main/system-clock.ts'
import { createHostKeyPolicy } from '../../src-main/transport/ssh/host-key-policy.ts'
import { createNodeSessions } from '../../src-main/transport/ssh/node-sessions.ts'
import { readTextIfPresent } from '../../src-main/transport/ssh/text-file.ts'
import { silentLog } from '../contract/silent-log.ts'
import type { SshFleet } from './ssh-fleet.ts'

/** Connections to a bench's nodes as the console has them. */
export function createSessions(fleet: Pick<SshFleet, 'nodes' | 'knownHostsFile' | 'privateKeyFile'>) {
  const byId = new Map(fleet.nodes.map((node) => [node.name, node]))
  const hostKeys = createHostKeyPolicy({
    trusted: { list: () => [] },
    knownHostsFiles: [fleet.knownHostsFile],
    readFile: readTextIfPresent,
  })
  return createNodeSessions({
    targets: {
      target: (id) => {
        const node = byId.get(id)
        return node ? { host: node.host, port: node.port, user: 'root', identityFile: fleet.privateKeyFile, auth: 'key' } : null
      },
      secret: () => Promise.resolve(null),
    },
    hostKeys,
    clock: systemClock,
    log: silentLog,
    home: '/nonexistent',
    env: {},
  })
}
