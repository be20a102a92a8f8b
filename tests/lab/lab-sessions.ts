import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import * as v from 'valibot'
import { NodeId, type SshTarget } from '#contract'
import type { NodeSession } from '../../src-main/app/ports/node-session.ts'
import { systemClock } from '../../src-main/system-clock.ts'
import { createHostKeyPolicy } from '../../src-main/transport/ssh/host-key-policy.ts'
import { createNodeSessions } from '../../src-main/transport/ssh/node-sessions.ts'
import { readTextIfPresent } from '../../src-main/transport/ssh/text-file.ts'
import type { Lab } from './lab.ts'

/** Connections to the lab's nodes as the console has them, without a console. */
export function openSessions(lab: Lab) {
  const home = mkdtempSync(path.join(tmpdir(), 'evenkeel-lab-home-'))
  mkdirSync(path.join(home, '.ssh'))
  copyFileSync(lab.userKey, path.join(home, '.ssh', 'id_ed25519'))
  const target = (id: string): SshTarget => {
    const { management, user } = lab.node(id)
    return { host: management, user, knownHostsFile: lab.knownHosts, auth: 'key', proxyJump: 'none' }
  }
  const pool = createNodeSessions({
    targets: { target, secret: async () => null },
    hostKeys: createHostKeyPolicy({ trusted: { list: () => [] }, knownHostsFiles: [], readFile: readTextIfPresent }),
    clock: systemClock,
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
    home,
    env: {},
  })
  return {
    to: (id: string): Promise<NodeSession> =>
      pool.session(v.parse(NodeId, id), { signal: new AbortController().signal, timeoutMs: 30_000 }),
    async close() {
      await pool.close()
      rmSync(home, { recursive: true })
    },
  }
}
