/** The peer: what a careful script does today. OpenSSH with one shared connection per node, `socat` on the node. */
import { execFile, execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { SshFleet } from './ssh-fleet.ts'

const execute = promisify(execFile)

export interface OpenSsh {
  round(): Promise<number>
  close(): void
}

export async function openShared(fleet: SshFleet, folder: string): Promise<OpenSsh> {
  const common = (port: number) => [
    '-o',
    'BatchMode=yes',
    '-o',
    `UserKnownHostsFile=${fleet.knownHostsFile}`,
    '-o',
    `ControlPath=${join(folder, String(port))}`,
    '-i',
    fleet.privateKeyFile,
    '-p',
    String(port),
    `root@${fleet.nodes[0]?.host}`,
  ]
  const program = `echo 'show info;show stat;show servers state' | socat -t 5 stdio ${fleet.socket}`
  for (const { port } of fleet.nodes)
    await execute('ssh', ['-o', 'ControlMaster=yes', '-o', 'ControlPersist=300', '-N', '-f', ...common(port)])
  return {
    async round() {
      const replies = await Promise.all(
        fleet.nodes.map(({ port }) => execute('ssh', [...common(port), program], { maxBuffer: 64 * 1024 * 1024 })),
      )
      return replies.reduce((sum, { stdout }) => sum + stdout.length, 0)
    },
    close() {
      for (const { port } of fleet.nodes) execFileSync('ssh', ['-q', '-O', 'exit', ...common(port)], { stdio: 'ignore' })
    },
  }
}
