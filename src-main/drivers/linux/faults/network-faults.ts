/** What the network does to a node: firewall rules in tables of our own, which nobody else's rules notice, and links. */
import { announceFunction } from './announce.ts'
import type { FaultScripts } from './fault-scripts.ts'

const path = `PATH="$PATH:/usr/sbin:/sbin:/usr/bin:/bin"\n`
/** `nft delete` of a table that is not there is an error, and `add` of one that is there is none. */
const dropTables = `
for family in inet arp; do
  if nft list tables "$family" 2>/dev/null | grep -q "^table $family evenkeel_drill$"; then nft delete table "$family" evenkeel_drill || failed=1; fi
done
`
const dropShown = ['nft delete table inet evenkeel_drill']

export interface Address {
  interface: string
  /** without the length of its network */
  address: string
}

const blockAdverts = `${path}
nft -f - <<'RULES'
table inet evenkeel_drill {
  chain in { type filter hook input priority -10; policy accept; ip protocol vrrp drop; ip6 nexthdr vrrp drop; }
  chain out { type filter hook output priority -10; policy accept; ip protocol vrrp drop; ip6 nexthdr vrrp drop; }
}
RULES
`
/**
 * $3: seconds, then interface and address in turn. Whoever has the lower priority gives the addresses up with the first advert that it hears. If they are still here after the time for that,
 * this is the rightful owner, and says so.
 */
const heal = `${path}${announceFunction}
failed=0
${dropTables}
settle=$3; shift 3
sleep "$settle"
while [ $# -gt 1 ]; do interface=$1 address=$2; shift 2; announced || failed=1; done
exit "$failed"
`

const announceShown = (settleS: string, ipv4: readonly Address[]): string[] => [
  `sleep ${settleS}`,
  ...ipv4.map(
    ({ interface: name, address }) => `arping -q -U -c 2 -w 2 -I ${name} -s ${address} ${address}  # where it still is`,
  ),
]

export function advertsBlocked(addresses: readonly Address[], advertMs: number): FaultScripts {
  const ipv4 = addresses.filter(({ address }) => !address.includes(':'))
  const settleS = (advertMs / 1000 + 0.2).toFixed(2)
  return {
    inject: blockAdverts,
    undo: heal,
    args: ['', settleS, ...ipv4.flatMap(({ interface: name, address }) => [name, address])],
    blastRadius: 'every virtual router of this node: two members hold the same addresses for as long as it stands',
    shown: {
      inject: ["nft -f -  # table inet evenkeel_drill: 'ip protocol vrrp drop; ip6 nexthdr vrrp drop' in input and output"],
      revert: [...dropShown, ...announceShown(settleS, ipv4)],
    },
    tools: ['nft'],
  }
}

/* ARP as well: a node that nobody reaches does not answer for its addresses either. */
const cutOff = `${path}
nft -f - <<RULES
table inet evenkeel_drill {
  chain in { type filter hook input priority -10; policy accept; iifname "$2" drop; }
  chain out { type filter hook output priority -10; policy accept; oifname "$2" drop; }
  chain through { type filter hook forward priority -10; policy accept; iifname "$2" drop; oifname "$2" drop; }
}
table arp evenkeel_drill {
  chain in { type filter hook input priority -10; policy accept; iifname "$2" drop; }
  chain out { type filter hook output priority -10; policy accept; oifname "$2" drop; }
}
RULES
`
export function isolate(name: string, addresses: readonly Address[], advertMs: number): FaultScripts {
  const ipv4 = addresses.filter(({ address }) => !address.includes(':'))
  const settleS = (advertMs / 1000 + 0.2).toFixed(2)
  return {
    inject: cutOff,
    undo: heal,
    args: [name, settleS, ...ipv4.flatMap((each) => [each.interface, each.address])],
    blastRadius: `everything that this node does over ${name}, the console's own connection included if it comes that way`,
    shown: {
      inject: [`nft -f -  # tables inet and arp evenkeel_drill: drop what comes and goes over ${name}`],
      revert: [...dropShown, 'nft delete table arp evenkeel_drill', ...announceShown(settleS, ipv4)],
    },
    tools: ['nft'],
  }
}

/* What goes with the link and does not come back by itself is written down before: addresses of IPv6, and routes. */
const linkDown = `${path}
ip -o -6 addr show dev "$2" scope global | awk '{ print $4 }' > "$1/addresses.new" &&
ip route show dev "$2" | grep -v 'proto kernel' > "$1/routes.new"; ip -6 route show dev "$2" | grep -v 'proto kernel' > "$1/routes6.new"
mv -- "$1/addresses.new" "$1/addresses"; mv -- "$1/routes.new" "$1/routes"; mv -- "$1/routes6.new" "$1/routes6"
ip link set dev "$2" down
`
const linkUp = `${path}
ip link set dev "$2" up || exit
[ -e "$1/routes6" ] || exit 0
while read -r address; do ip -6 addr show dev "$2" | grep -qF " $address " || ip -6 addr add "$address" dev "$2" nodad; done < "$1/addresses"
tries=0
until ip link show dev "$2" | grep -q 'state UP' || [ "$tries" -ge 30 ]; do tries=$((tries + 1)); sleep 0.1; done
while read -r route; do [ -n "$(ip route show $route dev "$2")" ] || ip route add $route dev "$2"; done < "$1/routes"
while read -r route; do [ -n "$(ip -6 route show $route dev "$2")" ] || ip -6 route add $route dev "$2"; done < "$1/routes6"
:
`

export const linkDownOn = (name: string): FaultScripts => ({
  inject: linkDown,
  undo: linkUp,
  args: [name],
  blastRadius: `everything that this node does over ${name}, the console's own connection included if it comes that way`,
  shown: { inject: [`ip link set dev ${name} down`], revert: [`ip link set dev ${name} up`] },
  tools: ['ip'],
})

/* $2 … in turn: family as nft calls it, address, port. */
const loseBackends = `${path}
shift
{
  printf 'table inet evenkeel_drill {\\n chain out { type filter hook output priority -10; policy accept; '
  while [ $# -gt 2 ]; do printf '%s daddr %s tcp dport %s drop; ' "$1" "$2" "$3"; shift 3; done
  printf '}\\n}\\n'
} | nft -f -
`
const findBackends = `${path}
failed=0
${dropTables}
exit "$failed"
`

export function backendLoss(backends: readonly { address: string; port: number }[]): FaultScripts {
  return {
    inject: loseBackends,
    undo: findBackends,
    args: backends.flatMap(({ address, port }) => [address.includes(':') ? 'ip6' : 'ip', address, String(port)]),
    blastRadius: `this node does not reach ${backends.map(({ address, port }) => `${address}:${port}`).join(', ')} any more; the others do`,
    shown: {
      inject: [
        `nft -f -  # table inet evenkeel_drill: ${backends.map(({ address, port }) => `ip daddr ${address} tcp dport ${port} drop`).join('; ')}`,
      ],
      revert: dropShown,
    },
    tools: ['nft'],
  }
}
