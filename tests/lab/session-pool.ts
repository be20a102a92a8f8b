import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NodeSessions } from '../../src-main/app/ports/node-session.ts'
import { systemClock } from '../../src-main/system-clock.ts'
import { createHostKeyPolicy } from '../../src-main/transport/ssh/host-key-policy.ts'
import { createNodeSessions } from '../../src-main/transport/ssh/node-sessions.ts'
import { readTextIfPresent } from '../../src-main/transport/ssh/text-file.ts'
import type { Lab } from './lab.ts'

/** Connections to the nodes of a lab as root, without a console around them. */
export function openSessionPool(lab: Lab): NodeSessions {
  const home = mkdtempSync(join(tmpdir(), 'evenkeel-lab-home-'))
  mkdirSync(join(home, '.ssh'))
  copyFileSync(lab.userKey, join(home, '.ssh', 'id_ed25519'))
  const pool = createNodeSessions({
    targets: {
      target: (id) => ({
        host: lab.node(id).management,
        user: 'root',
        knownHostsFile: lab.knownHosts,
        auth: 'key',
        proxyJump: 'none',
      }),
      secret: async () => null,
    },
    hostKeys: createHostKeyPolicy({ trusted: { list: () => [] }, knownHostsFiles: [], readFile: readTextIfPresent }),
    clock: systemClock,
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
    home,
    env: {},
  })
  return {
    ...pool,
    async close() {
      await pool.close()
      rmSync(home, { recursive: true, force: true })
    },
  }
}
