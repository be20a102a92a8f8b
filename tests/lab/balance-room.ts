import { join } from 'node:path'
import { createSimulation, seededRandom } from '../../src-main/domain/balance/simulate.ts'
import { within } from '../contract/local-session.ts'
import { addressOf, balanceCases, type BalanceCase } from './balance-cases.ts'
import { itemPath, sourceAddress, statsSocket, type TrafficPlan } from './balance-plan.ts'
import { openNodeRoom } from './node-room.ts'

/** What was chosen, request by request: the server's id, null when there was none. */
export interface Measured {
  readonly case: BalanceCase
  readonly daemon: readonly (string | null)[]
  readonly model: readonly (string | null)[]
}

export interface BalanceRun {
  readonly haproxyVersion: string
  readonly nginxVersion: string
  readonly measured: readonly Measured[]
}

const firstPort = 7001

/** Sends the same requests through the real daemons, each with one thread or worker, and through the model. */
export async function measureBalance(requestsOf: (one: BalanceCase) => number): Promise<BalanceRun> {
  const room = await openNodeRoom(['/etc/haproxy', '/etc/nginx'], { network: 'private' })
  try {
    await room.run(`
      ip link set lo up
      ip route add local 198.18.0.0/15 dev lo
      cat >/etc/haproxy/haproxy.cfg <<'END'\n${haproxyConfig()}END
      cat >/etc/nginx/nginx.conf <<'END'\n${nginxConfig()}END
      nginx 2>/dev/null
      haproxy -D -f /etc/haproxy/haproxy.cfg`)
    const plans = balanceCases.map((one, at): TrafficPlan => ({
      port: firstPort + at,
      requests: requestsOf(one),
      inFlight: one.inFlight,
      commands: commandsOf(one, `pool${at}`),
    }))
    const program = join(import.meta.dirname, 'balance-traffic.ts')
    const { code, stdout, stderr } = await room.session.exec([process.execPath, program], {
      ...within(120_000),
      maxBytes: 16 * 1024 * 1024,
      stdin: JSON.stringify(plans),
    })
    if (code !== 0) throw new Error(`The traffic inside the room ended with ${code}: ${stderr}`)
    const lines = stdout.toString('utf8').split('\n')
    return {
      haproxyVersion: /version (\S+)/.exec(await room.run('haproxy -v'))?.[1] ?? '',
      nginxVersion: /nginx\/(\S+)/.exec(await room.run('nginx -v 2>&1'))?.[1] ?? '',
      measured: balanceCases.map((one, at) => {
        const daemon = [...(lines[at] ?? '')].map((digit) => (digit === '?' ? null : digit))
        return { case: one, daemon, model: modelOf(one, daemon.length) }
      }),
    }
  } finally {
    await room.close()
  }
}

/** The same requests, and the same changes of weight, without a daemon. */
export function modelOf(one: BalanceCase, requests: number, random = seededRandom()): (string | null)[] {
  const byAddress = one.algorithm.kind === 'nginx-ip-hash' || ('of' in one.algorithm && one.algorithm.of === 'address')
  const keys = Array.from({ length: requests }, (_, item) => (byAddress ? sourceAddress(item) : itemPath(item)))
  const simulation = createSimulation(one.algorithm, one.servers, one.inFlight ?? 0, random)
  return keys.map((key, item) => {
    for (const change of one.changes) if (change.before === item) simulation.setServers(change.servers)
    return simulation.place(key)
  })
}

/** A server that is taken out keeps its weight in HAProxy, so one that comes back is given its new one first. */
function commandsOf(one: BalanceCase, pool: string): TrafficPlan['commands'] {
  return one.changes.flatMap(({ before, servers }, at) =>
    servers.flatMap(({ id, weight }, position) => {
      const now = (one.changes[at - 1] ?? one).servers[position]?.weight
      if (now === weight) return []
      const words = weight === 0 ? ['state drain'] : now === 0 ? [`weight ${weight}`, 'state ready'] : [`weight ${weight}`]
      return words.map((word) => ({ before, line: `set server ${pool}/s${id} ${word}` }))
    }),
  )
}

function haproxyConfig(): string {
  const pools = balanceCases.map((one, at) =>
    one.daemon === 'haproxy'
      ? `listen pool${at}
    bind :${firstPort + at}
    ${one.lines.join('\n    ')}
${one.servers.map((server) => `    server s${server.id} ${addressOf(server)} ${server.weight === 0 ? 'disabled' : `weight ${server.weight}`}\n`).join('')}`
      : '',
  )
  return `global
    nbthread 1
    maxconn 4000
    stats socket ${statsSocket} level admin
defaults
    mode http
    option httpclose
    retries 0
    timeout connect 5s
    timeout client 60s
    timeout server 60s
${pools.join('')}`
}

function nginxConfig(): string {
  const pools = balanceCases.map((one, at) =>
    one.daemon === 'nginx'
      ? `    upstream pool${at} {
        ${one.lines.map((line) => `${line};`).join(' ')}
${one.servers.map((server) => `        server ${addressOf(server)}${server.weight === 0 ? ' down' : ` weight=${server.weight}`};\n`).join('')}    }
    server { listen ${firstPort + at}; location / { proxy_pass http://pool${at}; } }
`
      : '',
  )
  return `worker_processes 1;
worker_rlimit_nofile 10000;
pid /run/nginx.pid;
error_log /tmp/error.log;
events { worker_connections 8000; }
http {
    access_log off;
    keepalive_timeout 0;
    proxy_next_upstream off;
    client_body_temp_path /tmp/body; proxy_temp_path /tmp/proxy; fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi; scgi_temp_path /tmp/scgi;
${pools.join('')}}
`
}
