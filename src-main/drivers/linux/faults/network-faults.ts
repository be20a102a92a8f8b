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
export const wordsOf = (addresses: readonly Address[]): string[] =>
  addresses.flatMap(({ interface: name, address }) => [name, address])

/** $3 $4 …: interface and address in turn. Whether this node has them now, for then clients are led back to it. */
const noteHeld = `
held() { while [ $# -gt 1 ]; do [ -z "$(ip -o addr show dev "$1" to "$2" 2>/dev/null)" ] || return 0; shift 2; done; return 1; }
`

const blockAdverts = `${path}${noteHeld}
(shift 3; held "$@") && : > "$1/held"
nft -f - <<'RULES'
table inet evenkeel_drill {
  chain in { type filter hook input priority -10; policy accept; ip protocol vrrp drop; ip6 nexthdr vrrp drop; }
  chain out { type filter hook output priority -10; policy accept; ip protocol vrrp drop; ip6 nexthdr vrrp drop; }
}
RULES
`
/**
 * $3: how often a fifth of a second passes until the members have heard each other; then interface and address in turn. Whoever has the lower
 * priority gives the addresses up at the first advert that it hears, and clients who believe that one have nobody until they are told. So the
 * one that had them before says so from the beginning; another one only when it still has them in the end.
 */
const heal = `${path}${announceFunction}
failed=0
${dropTables}
dir=$1 ticks=$3; shift 3
while [ "$ticks" -gt 0 ]; do
  ticks=$((ticks - 1))
  if [ -e "$dir/held" ] || [ "$ticks" = 0 ]; then (while [ $# -gt 1 ]; do announce "$1" "$2"; shift 2; done); fi
  sleep 0.2 2>/dev/null || sleep 1
done
exit "$failed"
`
/** With very slow adverts there is not always time for that: a revert is one command, and somebody waits for it. */
const maxTicks = 50
const ticksOf = (advertMs: number): number => Math.min(maxTicks, Math.ceil(advertMs / 200) + 2)

/** One of them does for ARP. */
const announcing = (addresses: readonly Address[]): string[] =>
  addresses.some(({ address }) => address.includes(':')) ? ['perl'] : ['perl|arping']

const announceShown = (addresses: readonly Address[]): string[] =>
  addresses.map(
    ({ interface: name, address }) =>
      `arping -q -U -c 1 -I ${name} -s ${address} ${address}  # five times a second, where it is`,
  )

export function advertsBlocked(addresses: readonly Address[], advertMs: number): FaultScripts {
  return {
    inject: blockAdverts,
    undo: heal,
    args: ['', String(ticksOf(advertMs)), ...wordsOf(addresses)],
    blastRadius: 'every virtual router of this node: two members hold the same addresses for as long as it stands',
    shown: {
      inject: ["nft -f -  # table inet evenkeel_drill: 'ip protocol vrrp drop; ip6 nexthdr vrrp drop' in input and output"],
      revert: [...dropShown, ...announceShown(addresses)],
    },
    tools: ['nft', ...announcing(addresses)],
  }
}

/* ARP as well: a node that nobody reaches does not answer for its addresses either. */
const cutOff = `${path}${noteHeld}
(shift 3; held "$@") && : > "$1/held"
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
  return {
    inject: cutOff,
    undo: heal,
    args: [name, String(ticksOf(advertMs)), ...wordsOf(addresses)],
    blastRadius: `everything that this node does over ${name}, the console's own connection included if it comes that way`,
    shown: {
      inject: [`nft -f -  # tables inet and arp evenkeel_drill: drop what comes and goes over ${name}`],
      revert: [...dropShown, 'nft delete table arp evenkeel_drill', ...announceShown(addresses)],
    },
    tools: ['nft', ...announcing(addresses)],
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
