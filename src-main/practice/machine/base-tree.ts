import type { FileTree } from './machine.ts'

/** What a freshly installed Debian 12 has, as far as an administrator of load balancers looks at it. */
export function writeBaseTree(files: FileTree, hostName: string): void {
  for (const folder of folders) files.makeDirectory(folder, { parents: true })
  for (const [path, target] of Object.entries(links)) files.symlink(target, path)
  files.setMode('/tmp', 0o1777)
  files.setMode('/var/tmp', 0o1777)
  files.setMode('/root', 0o700)
  files.write('/etc/hostname', `${hostName}\n`)
  files.write('/etc/hosts', `127.0.0.1\tlocalhost\n127.0.1.1\t${hostName}\n`)
  files.write('/etc/os-release', osRelease)
  files.write('/etc/passwd', passwd)
  files.write('/etc/group', group)
  files.write('/var/log/syslog', '', { mode: 0o640 })
  files.setOwner('/var/log/syslog', 0, admGroup)
}

const folders = [
  '/dev',
  '/etc',
  '/home',
  '/root',
  '/run',
  '/tmp',
  '/usr/bin',
  '/usr/lib/systemd',
  '/usr/local/bin',
  '/usr/local/sbin',
  '/usr/sbin',
  '/usr/share',
  '/var/lib',
  '/var/log',
  '/var/tmp',
]

const links = {
  '/bin': 'usr/bin',
  '/sbin': 'usr/sbin',
  '/lib': 'usr/lib',
  '/var/run': '/run',
}

const osRelease = `PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION="12 (bookworm)"
VERSION_CODENAME=bookworm
ID=debian
HOME_URL="https://www.debian.org/"
SUPPORT_URL="https://www.debian.org/support"
BUG_REPORT_URL="https://bugs.debian.org/"
`

const passwd = `root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
haproxy:x:101:103::/var/lib/haproxy:/usr/sbin/nologin
`

const admGroup = 4
const group = `root:x:0:
daemon:x:1:
adm:x:4:
sudo:x:27:
www-data:x:33:
nogroup:x:65534:
haproxy:x:103:
`
