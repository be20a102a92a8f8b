import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { cgroupOf } from './cgroup.ts'
import { hostKey, userKey } from './keys.ts'
import { firstProcess, startInside } from './processes.ts'
import { run } from './run.ts'
import type { Instance } from './instance.ts'
import type { LabNode, Topology } from './topology.ts'

const template = (name: string): string => readFileSync(join(import.meta.dirname, 'templates', name), 'utf8')

/** The files that make a node this node, as a tree that boot.sh lays over its root. */
export const filesOf = (instance: Instance, node: LabNode): string => join(instance.stateDir, 'files', node.id)

/** Write a node's own files: keys, configuration, the scripts it starts with. */
export function renderFiles(instance: Instance, topology: Topology, node: LabNode): void {
  const root = filesOf(instance, node)
  const values: Record<string, string> = {
    NODE: node.id,
    MANAGEMENT: node.management,
    DATA: node.data,
    VIP: node.vip,
    PAIR: (node.pair ?? 'single').toUpperCase(),
    ROUTER_ID: String(node.routerId),
    PRIORITY: String(node.priority),
    UNICAST_PEER: node.peer === null ? '' : `unicast_peer {\n        ${node.peer}\n    }`,
    ...Object.fromEntries(topology.backends.map(({ name, address }) => [name.toUpperCase(), address])),
  }
  const put = (path: string, text: string, mode = 0o644): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
    chmodSync(join(root, path), mode)
  }
  const render = (name: string): string =>
    template(name).replace(/@([A-Z0-9_]+)@/g, (_, key: string) => {
      const value = values[key]
      if (value === undefined) throw new Error(`templates/${name} asks for @${key}@, which no node has.`)
      return value
    })

  rmSync(root, { recursive: true, force: true })
  put('etc/haproxy/haproxy.cfg', render(node.pair === 'core' ? 'haproxy-core.cfg' : 'haproxy-edge.cfg'))
  put('etc/nginx/nginx.conf', render('nginx.conf'))
  put('etc/nginx/conf.d/site.conf', render('nginx-site.conf'))
  if (node.stubStatus) put('etc/nginx/conf.d/status.conf', render('nginx-status.conf'))
  put('etc/keepalived/keepalived.conf', render('keepalived.conf'), 0o640)
  put('etc/ssh/sshd_config', render('sshd_config'))
  put('etc/ssh/lab_host_key', readFileSync(hostKey(instance, node), 'utf8'), 0o600)
  put('etc/sudoers.d/evenkeel-lab', render('sudoers'), 0o440)
  put('root/.ssh/authorized_keys', readFileSync(`${userKey(instance)}.pub`, 'utf8'), 0o600)
  chmodSync(join(root, 'root'), 0o700)
  chmodSync(join(root, 'root/.ssh'), 0o700)
  put('lab/init.sh', template('init.sh'), 0o755)
  put('lab/service', template(node.init === 'systemd' ? 'service-systemd' : 'service'), 0o755)
  for (const script of ['boot.sh', 'boot-systemd.sh']) {
    cpSync(join(import.meta.dirname, 'templates', script), join(instance.stateDir, script))
  }
}

/** Start a node that does not run yet. Its services are up a moment later. */
export async function startNode(instance: Instance, node: LabNode): Promise<void> {
  if (firstProcess(instance, node.id) !== null) return
  const namespaces = ['--mount', '--pid', '--uts', '--ipc']
  const boot = ['sh', join(instance.stateDir, 'boot.sh'), node.id, filesOf(instance, node), node.init]
  if (node.init === 'script') {
    return startInside(instance, node.id, ['unshare', ...namespaces, '--fork', '--kill-child', ...boot])
  }
  // enter the group first: it becomes the root of the cgroup namespace
  const enter = 'mkdir -p "$1" && echo $$ >"$1/cgroup.procs" && shift && exec "$@"'
  const unshare = ['unshare', ...namespaces, '--cgroup', '--fork', '--kill-child', ...boot]
  return startInside(instance, node.id, ['sh', '-c', enter, 'sh', cgroupOf(instance), ...unshare])
}

/** Start those services of a running node that do not run. */
export async function startServices(instance: Instance, node: LabNode): Promise<void> {
  const script = 'for name in haproxy nginx keepalived sshd; do /lab/service "$name" start; done'
  await run(insideNode(instance, node.id, ['sh', '-c', script]))
}

/** argv that runs a command as root inside a node. @throws Error when the node does not run */
export function insideNode(instance: Instance, machine: string, argv: readonly string[]): [string, ...string[]] {
  const pid = firstProcess(instance, machine)
  if (pid === null) throw new Error(`${machine} does not run in lab ${instance.name}: bring it up with "npm run lab up".`)
  return ['nsenter', '--target', String(pid), '--net', '--mount', '--pid', '--uts', '--ipc', '--root', '--wd', '--', ...argv]
}
