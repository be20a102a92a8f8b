/*
 * Everything of a node that a drill may touch, as text by name, so that before and after can be compared. What changes by itself (pids, counters,
 * lifetimes, times) is left out.
 */
import type { CallLimits, NodeSession } from '../../../app/ports/node-session.ts'
import { run, sectionsFrom } from '../run.ts'

const script = `
PATH="$PATH:/usr/sbin:/sbin:/usr/bin:/bin"
export LC_ALL=C
part() { printf '%s\\0' "$1"; cat; printf '\\0'; }
net=$(readlink /proc/self/ns/net)
find /etc/haproxy /etc/nginx /etc/keepalived -xdev \\( -type f -exec sha256sum {} + -o -type l -printf 'link %p %l\\n' \\) 2>/dev/null | sort -k 2 | part 'configuration files'
find /etc/haproxy /etc/nginx /etc/keepalived -xdev -printf '%p %M %u:%g\\n' 2>/dev/null | sort | part 'owners and modes'
sed -n 's/^[[:space:]]*file[[:space:]]*"\\{0,1\\}\\(\\/[^"[:space:]]*\\).*/\\1/p' /etc/keepalived/*.conf 2>/dev/null | sort -u |
  while read -r file; do echo "$file $(cat "$file" 2>/dev/null || echo absent)"; done | part 'tracked files'
for comm in /proc/[0-9]*/comm; do
  read -r name < "$comm" || continue
  case $name in haproxy*|nginx*|keepalived*) ;; *) continue ;; esac
  each=\${comm%/comm}
  [ "$(readlink "$each/ns/net")" = "$net" ] || continue
  stat=$(cat "$each/stat") && stat=\${stat##*) } && state=\${stat%% *}
  case $state in Z|X) continue ;; T|t) state=stopped ;; *) state=running ;; esac
  echo "$name $state"
done 2>/dev/null | sort -u | part processes
ip -o addr show 2>/dev/null | sed 's/^[0-9]*: //; s/\\\\.*//; s/ *metric [0-9]*//' | sort | part addresses
ip -o link show 2>/dev/null | sed -n 's/^[0-9]*: \\([^:]*\\): <\\([^>]*\\)>.*/\\1 \\2/p' | sort | part links
{ ip route show; ip -6 route show; } 2>/dev/null | sed 's/ expires [0-9]*sec//; s/ linkdown//' | sort | part routes
{ nft list ruleset 2>/dev/null || { iptables-save; ip6tables-save; } 2>/dev/null; } |
  sed 's/packets [0-9]* bytes [0-9]*//; s/^\\(:.*\\) \\[[0-9:]*\\]$/\\1/; /^#/d' | part firewall
`

export async function takeSnapshot(session: NodeSession, limits: CallLimits): Promise<Record<string, string>> {
  const options = { ...limits, privileged: true, maxBytes: 8 * 1024 * 1024 }
  const { stdout } = await run(session, ['sh', '-c', script, 'evenkeel'], options)
  return Object.fromEntries([...sectionsFrom(stdout)].map(([name, text]) => [name, text.trim()]))
}
