/**
 * Many real nodes for the benches: each its own pid and mount namespace with its own sshd and its own HAProxy of 500 servers, all in one
 * network namespace behind one veth pair (198.18.8.0/24). Nothing is simulated but the backends, which are never dialled.
 * Needs root, and the Debian packages haproxy and openssh-server.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const NAMESPACE = 'evk-bench'
const HOST_LINK = 'evk-bench0'
export const HOST_ADDRESS = '198.18.8.1'
export const ADDRESS = '198.18.8.2'
const FIRST_PORT = 22001
const POOLS = 10

export interface SshFleet {
  readonly nodes: readonly { name: string; host: string; port: number }[]
  readonly privateKey: string
  readonly privateKeyFile: string
  readonly knownHostsFile: string
  readonly socket: string
  stop(): void
}

const run = (program: string, ...args: string[]) => execFileSync(program, args, { stdio: 'pipe' })

export async function startSshFleet(count: number, serversPerNode: number): Promise<SshFleet> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) throw new Error('the SSH bench needs Linux and root')
  for (const program of ['/usr/sbin/sshd', '/usr/sbin/haproxy']) {
    if (!existsSync(program)) throw new Error(`the SSH bench needs ${program}: apt-get install openssh-server haproxy`)
  }
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-bench-'))
  const children: ChildProcess[] = []
  const stop = (): void => {
    // Ending pid 1 of a pid namespace ends everything in it.
    for (const child of children) child.kill('SIGKILL')
    children.length = 0
    dropNetwork()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    dropNetwork()
    run('ip', 'netns', 'add', NAMESPACE)
    run('ip', 'link', 'add', HOST_LINK, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', NAMESPACE)
    run('ip', 'addr', 'add', `${HOST_ADDRESS}/24`, 'dev', HOST_LINK)
    run('ip', 'link', 'set', HOST_LINK, 'up')
    for (const link of ['lo', 'eth0']) run('ip', '-n', NAMESPACE, 'link', 'set', link, 'up')
    run('ip', '-n', NAMESPACE, 'addr', 'add', `${ADDRESS}/24`, 'dev', 'eth0')

    for (const name of ['user', 'host']) run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name))
    chmodSync(folder, 0o755)
    const nodes = Array.from({ length: count }, (_, index) => ({
      name: `n${index + 1}`,
      host: ADDRESS,
      port: FIRST_PORT + index,
    }))
    const hostKey = readFileSync(join(folder, 'host.pub'), 'utf8').split(' ').slice(0, 2).join(' ')
    writeFileSync(join(folder, 'known_hosts'), nodes.map(({ host, port }) => `[${host}]:${port} ${hostKey}\n`).join(''))
    for (const node of nodes) {
      const config = join(folder, `${node.name}.cfg`)
      writeFileSync(config, haproxyConfig(node.port, serversPerNode))
      children.push(startNode(folder, config, node.port))
    }
    await Promise.all(nodes.map((node) => untilOpen(node.host, node.port)))
    return {
      nodes,
      privateKey: readFileSync(join(folder, 'user'), 'utf8'),
      privateKeyFile: join(folder, 'user'),
      knownHostsFile: join(folder, 'known_hosts'),
      socket: '/run/haproxy/admin.sock',
      stop,
    }
  } catch (error) {
    stop()
    throw error
  }
}

function dropNetwork(): void {
  for (const args of [
    ['netns', 'del', NAMESPACE],
    ['link', 'del', HOST_LINK],
  ]) {
    try {
      run('ip', ...args)
    } catch {
      // It was not there.
    }
  }
}

function startNode(folder: string, config: string, port: number): ChildProcess {
  mkdirSync('/run/sshd', { recursive: true })
  const script = `
    # bash reads /root/.bashrc for every command over ssh: this machine's own must not be part of the figures
    # and the nodes balance with HAProxy alone, whatever else is installed here
    for other in /usr/sbin/nginx /usr/sbin/keepalived; do test ! -e $other || mount --bind /dev/null $other || exit 1; done
    mount -t tmpfs tmpfs /root && mount -t tmpfs tmpfs /run && mkdir -p /run/haproxy /run/sshd || exit 1
    haproxy -W -S /run/haproxy-master.sock -D -q -p /run/haproxy.pid -f "$1" || exit 1
    exec /usr/sbin/sshd -D -q -f /dev/null -p "$2" -h "$3/host" -o PidFile=none -o UsePAM=no -o StrictModes=no \\
      -o AuthorizedKeysFile="$3/user.pub" -o MaxStartups=200 -o Subsystem='sftp internal-sftp'`
  const args = [
    'netns',
    'exec',
    NAMESPACE,
    'unshare',
    '--mount',
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc',
    'sh',
    '-c',
    script,
    'node',
    config,
    String(port),
    folder,
  ]
  return spawn('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] })
}

function haproxyConfig(port: number, servers: number): string {
  const perPool = servers / POOLS
  const pools = Array.from({ length: POOLS }, (_, pool) => {
    const lines = Array.from(
      { length: perPool },
      (_, index) => `  server web${index + 1} 198.19.${pool}.${(index % 250) + 1}:8080 maxconn 500`,
    )
    return `backend pool${pool + 1}\n  balance roundrobin\n${lines.join('\n')}\n`
  })
  return `global
  stats socket /run/haproxy/admin.sock mode 660 level admin
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
frontend web
  bind 127.0.0.1:${port + 20000}
  default_backend pool1
${pools.join('')}`
}

async function untilOpen(host: string, port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect({ host, port })
      socket.once('error', () => resolve(false))
      socket.once('connect', () => {
        socket.destroy()
        resolve(true)
      })
    })
    if (isOpen) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`sshd on ${host}:${port} did not come up`)
}
