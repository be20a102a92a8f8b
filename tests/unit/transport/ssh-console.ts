import type { NodeId, SshTarget } from '#contract'
import type { Log } from '../../../src-main/app/ports/log.ts'
import type { NodeSession, NodeSessions } from '../../../src-main/app/ports/node-session.ts'
import { createHostKeyPolicy } from '../../../src-main/transport/ssh/host-key-policy.ts'
import { createNodeSessions, type NodeSessionsParts } from '../../../src-main/transport/ssh/node-sessions.ts'
import type { TestServer } from './ssh-server.ts'

export const node = 'n1' as NodeId
const never = new AbortController().signal
export const limits = { signal: never, timeoutMs: 10_000 }
export const small = { ...limits, maxBytes: 64 * 1024 }

export const quiet: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

export interface ConsoleOptions extends Partial<NodeSessionsParts> {
  target: Partial<SshTarget>
  password?: string | null
  passphrase?: string | null
  trusted?: { host: string; port: number; key: Buffer }[]
  knownHosts?: string
}

/** The console's side: a pool whose only node is the server, by default with its key trusted and nothing but a password. */
export function consoleFor(server: TestServer, options: ConsoleOptions): NodeSessions {
  const { target, password = null, passphrase = null, trusted, knownHosts = '', ...parts } = options
  const keys = trusted ?? [{ host: '127.0.0.1', port: server.port, key: server.hostKey }]
  return createNodeSessions({
    targets: {
      target: (id) =>
        id === node ? { host: '127.0.0.1', port: server.port, user: 'ops', proxyJump: 'none', ...target } : null,
      secret: async (_id, kind) => (kind === 'password' ? password : passphrase),
    },
    hostKeys: createHostKeyPolicy({
      trusted: { list: () => keys.map((key) => ({ ...key, trustedAt: 0, trustedBy: 'ops' })) },
      knownHostsFiles: ['/known_hosts'],
      readFile: async (file) => (file === '/known_hosts' ? knownHosts : null),
    }),
    clock: { now: () => Date.now(), monotonic: () => performance.now(), sleep: () => Promise.reject(new Error('not used')) },
    log: quiet,
    home: '/nonexistent',
    env: {},
    random: () => 0,
    ...parts,
  })
}

export function passwordConsole(server: TestServer, options: Partial<ConsoleOptions> = {}): NodeSessions {
  return consoleFor(server, { target: { auth: 'password' }, password: 'secret', ...options })
}

export function sessionOf(pool: NodeSessions): Promise<NodeSession> {
  return pool.session(node, limits)
}
