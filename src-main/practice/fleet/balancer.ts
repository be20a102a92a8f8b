import type { Machine } from '../machine/machine.ts'
import { createMachine, type MachineSpec } from '../machine/create-machine.ts'
import { runHaproxy } from '../haproxy/program.ts'
import { runKeepalived } from '../keepalived/program.ts'
import { runNginx } from '../nginx/program.ts'
import { authorizeKey } from '../ssh/accounts.ts'
import { newKeyPair } from '../ssh/host-key.ts'
import { startSshServer, type SshServer } from '../ssh/ssh-server.ts'
import { installWords } from '../words/install-words.ts'
import {
  haproxyConfig,
  keepalivedConfig,
  nginxConfig,
  nginxFeedConfig,
  nginxModules,
  nginxPortalConfig,
  type ConfigSite,
} from './site-configs.ts'
import { ports, type NodePlan } from './site-plan.ts'

export type Daemon = 'haproxy' | 'nginx' | 'keepalived'

/** A balancer of the fleet, with everything that its console would expect to find, and the levers of the scenarios. */
export interface Balancer {
  readonly id: string
  readonly machine: Machine
  /** raw public key, as its console knows it */
  readonly hostKey: Buffer
  readonly isOn: boolean
  /** sshd and whatever of the daemons does not run. Rejects with what the daemon said when it does not start. */
  boot(): Promise<void>
  start(daemon: Daemon): Promise<void>
  /** SIGKILL to every process of it */
  kill(daemon: Daemon): void
  reloadHaproxy(): void
  setSshFault(fault: Parameters<SshServer['setFault']>[0]): void
  /** sshd comes up with another key, as after a machine was installed anew */
  setForeignHostKey(isForeign: boolean): void
  powerOff(): Promise<void>
}

export const haproxyFile = '/etc/haproxy/haproxy.cfg'
const masterSocket = '/run/haproxy/master.sock'

const commands: Readonly<Record<Daemon, readonly [string, ...string[]]>> = {
  haproxy: [
    '/usr/sbin/haproxy',
    '-W',
    '-S',
    `${masterSocket},mode,660,group,haproxy`,
    '-f',
    haproxyFile,
    '-p',
    '/run/haproxy.pid',
  ],
  nginx: ['/usr/sbin/nginx'],
  keepalived: ['/usr/sbin/keepalived', '-D'],
}

export function createBalancer(
  spec: Omit<MachineSpec, 'name'>,
  keys: { user: string; host: string },
  node: NodePlan,
  on: ConfigSite,
): Balancer {
  const machine = createMachine({ ...spec, name: node.id })
  const { files, processes } = machine
  installWords(machine)
  // so that the console needs no root's rights for HAProxy's sockets
  files.write(
    '/etc/group',
    files
      .read('/etc/group')
      .toString('utf8')
      .replace(/^haproxy:.*:$/m, '$&ops'),
  )
  for (const account of ['root', 'ops']) authorizeKey(machine, account, keys.user)
  machine.programs.install('/usr/sbin/haproxy', runHaproxy)
  machine.programs.install('/usr/sbin/nginx', runNginx)
  machine.programs.install('/usr/sbin/keepalived', runKeepalived)
  for (const [path, text] of Object.entries({
    [haproxyFile]: haproxyConfig(on),
    '/etc/nginx/nginx.conf': nginxConfig,
    '/etc/nginx/modules-enabled/50-mod-stream.conf': nginxModules,
    '/etc/nginx/conf.d/portal.conf': nginxPortalConfig(on),
    '/etc/nginx/stream.d/feed.conf': nginxFeedConfig(on),
    '/etc/keepalived/keepalived.conf': keepalivedConfig(on, node),
    '/var/lib/haproxy/server-state': '',
  })) {
    files.makeDirectory(path.slice(0, path.lastIndexOf('/')), { parents: true })
    files.write(path, text)
  }
  for (const folder of ['/run/haproxy', '/var/log/nginx']) files.makeDirectory(folder, { parents: true })

  let sshd = startSshServer(machine, { port: ports.ssh, hostKey: keys.host })
  const { hostKey } = sshd
  const restartSshd = (key: string): void => {
    sshd.close()
    sshd = startSshServer(machine, { port: ports.ssh, hostKey: key })
  }
  const runs = (daemon: Daemon): boolean => processes.list().some(({ name }) => name === daemon)

  const balancer: Balancer = {
    id: node.id,
    machine,
    hostKey,
    get isOn() {
      return processes.get(1) !== null
    },
    async boot() {
      if (!balancer.isOn) {
        machine.powerOn()
        restartSshd(keys.host)
      }
      for (const daemon of daemons) await balancer.start(daemon)
    },
    async start(daemon) {
      if (runs(daemon)) return
      const { code, stderr } = await machine.run(commands[daemon])
      if (code !== 0) throw new Error(`${daemon} does not start on ${node.id}: ${stderr.trim()}`)
    },
    kill(daemon) {
      for (const { pid, name } of processes.list()) {
        // a worker may have ended with its master
        if (name === daemon && processes.get(pid) !== null) processes.signal(pid, 'KILL')
      }
    },
    reloadHaproxy() {
      const master = processes.list().find(({ name, parentPid }) => name === 'haproxy' && parentPid === 1)
      if (master !== undefined) processes.signal(master.pid, 'USR2')
    },
    setSshFault: (fault) => sshd.setFault(fault),
    setForeignHostKey: (isForeign) => restartSshd(isForeign ? newKeyPair().private : keys.host),
    powerOff: () => machine.powerOff(),
  }
  return balancer
}

const daemons: readonly Daemon[] = ['haproxy', 'nginx', 'keepalived']
