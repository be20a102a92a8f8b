import * as v from 'valibot'
import { NodeId, type SshTarget } from '#contract'
import type { CallLimits, NodeSession, NodeSessions } from '../../src-main/app/ports/node-session.ts'
import { systemClock } from '../../src-main/system-clock.ts'
import { createHostKeyPolicy } from '../../src-main/transport/ssh/host-key-policy.ts'
import { createNodeSessions } from '../../src-main/transport/ssh/node-sessions.ts'
import { readTextIfPresent } from '../../src-main/transport/ssh/text-file.ts'
import { silentLog } from '../contract/silent-log.ts'
import type { Lab } from './lab.ts'

export interface LabSessions extends NodeSessions {
  to(id: string, limits?: Partial<CallLimits & { force: boolean }>): Promise<NodeSession>
}

/** Connections to the lab's nodes as the console has them, without a console. `as`: what differs from the node's own account. */
export function openSessions(lab: Lab, as: Pick<SshTarget, 'user' | 'sudo'> = {}): LabSessions {
  const target = (id: string): SshTarget => {
    const { management: host, user } = lab.node(id)
    return { host, user, identityFile: lab.userKey, knownHostsFile: lab.knownHosts, auth: 'key', proxyJump: 'none', ...as }
  }
  const pool = createNodeSessions({
    targets: { target, secret: async () => null },
    hostKeys: createHostKeyPolicy({ trusted: { list: () => [] }, knownHostsFiles: [], readFile: readTextIfPresent }),
    clock: systemClock,
    log: silentLog,
    home: '/nonexistent',
    env: {},
  })
  return {
    ...pool,
    to: (id, limits) =>
      pool.session(v.parse(NodeId, id), { signal: new AbortController().signal, timeoutMs: 30_000, ...limits }),
  }
}
