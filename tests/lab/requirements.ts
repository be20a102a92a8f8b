import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { tryRun } from './run.ts'

/** What the lab is made of: a file that proves it is there, and the Debian package it comes in. */
const labParts: readonly (readonly [proof: string, debianPackage: string])[] = [
  ['haproxy', 'haproxy'],
  ['nginx', 'nginx'],
  ['/usr/lib/nginx/modules/ngx_stream_module.so', 'libnginx-mod-stream'],
  ['keepalived', 'keepalived'],
  ['sshd', 'openssh-server'],
  ['ssh-keygen', 'openssh-client'],
  ['socat', 'socat'],
  ['ip', 'iproute2'],
  ['nft', 'nftables'],
  ['tcpdump', 'tcpdump'],
  ['sudo', 'sudo'],
  ['arping', 'iputils-arping'],
  ['curl', 'curl'],
]
const browserParts = [['chromium', 'chromium']] as const

/** Where a service's program may lie although the PATH of an ordinary login does not say so. */
const systemFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin']

function isThere(proof: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...systemFolders].filter(Boolean)
  const candidates = proof.startsWith('/') ? [proof] : folders.map((folder) => join(folder, proof))
  return candidates.some((file) => {
    try {
      accessSync(file, proof.startsWith('/') ? constants.R_OK : constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** Debian packages that are missing for the lab, and for tests in a real browser as well when `browser` is set. */
export function missingPackages(options: { browser: boolean }): string[] {
  const parts = [...labParts, ...(options.browser ? browserParts : [])]
  return parts.filter(([proof]) => !isThere(proof)).map(([, debianPackage]) => debianPackage)
}

/** Why there can be no lab here, in one sentence; null when there can be one. Changes nothing. */
export async function whyNoLab(options: { browser: boolean }): Promise<string | null> {
  if (process.platform !== 'linux') return `The lab needs Linux (network namespaces); this is ${process.platform}.`
  if (process.getuid?.() !== 0) return 'The lab needs root, to make network namespaces and mounts.'
  const missing = missingPackages(options)
  if (missing.length > 0)
    return `The lab needs programs that are not installed; on Debian: apt-get install ${missing.join(' ')}`
  if (!(await hasOverlay())) return 'The lab needs overlayfs, which this kernel does not offer.'
  const trial = await tryRun([
    'unshare',
    '--net',
    '--mount',
    '--pid',
    '--uts',
    '--ipc',
    '--fork',
    'ip',
    'link',
    'add',
    'evk0',
    'type',
    'veth',
  ])
  if (trial.code !== 0) return `The lab needs namespaces and veth, which are refused here: ${trial.stderr.trim()}`
  return null
}

async function hasOverlay(): Promise<boolean> {
  const listed = (): boolean => /\boverlay$/m.test(readFileSync('/proc/filesystems', 'utf8'))
  if (listed()) return true
  if (existsSync('/sbin/modprobe')) await tryRun(['/sbin/modprobe', 'overlay'])
  return listed()
}
