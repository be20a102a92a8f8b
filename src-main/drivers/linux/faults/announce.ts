/*
 * Gratuitous ARP and unsolicited neighbour advertisements: tell the segment which node has an address, as keepalived does when it becomes
 * master. Two nodes had the address for a while, and keepalived with default settings says nothing again to those who believed the other one.
 */

/** `announce INTERFACE ADDRESS` sends it once where this node has the address, and does not wait. */
export const announceFunction = `
announce() {
  [ -n "$(ip -o addr show dev "$1" to "$2" 2>/dev/null)" ] || return 0
  if ! command -v perl >/dev/null; then arping -q -U -c 1 -w 1 -I "$1" -s "$2" "$2" </dev/null >/dev/null 2>&1 & return 0; fi
  perl -e '
    use Socket qw(:all);
    my ($interface, $address, $mac, $index) = @ARGV;
    $mac =~ s/://g;
    my $own = pack("H12", $mac);
    if ($address =~ /:/) {
      socket(my $raw, AF_INET6, SOCK_RAW, 58) or die "$!";
      setsockopt($raw, 41, 17, pack("i", $index)) && setsockopt($raw, 41, 18, pack("i", 255)) or die "$!";
      my $said = pack("CCnN", 136, 0, 0, 0x20000000) . inet_pton(AF_INET6, $address) . pack("CC", 2, 1) . $own;
      send($raw, $said, 0, pack_sockaddr_in6(0, inet_pton(AF_INET6, "ff02::1"), $index)) or die "$!";
    } else {
      socket(my $raw, 17, SOCK_RAW, unpack("S", pack("n", 0x0806))) or die "$!";
      my $all = pack("H12", "f" x 12);
      my $said = $all . $own . pack("nnnCCn", 0x0806, 1, 0x0800, 6, 4, 1) . $own . inet_aton($address) . $all . inet_aton($address);
      send($raw, $said, 0, pack("SnlSCCH16", 17, 0x0806, $index, 1, 0, 6, "f" x 12 . "0000")) or die "$!";
    }
  ' "$1" "$2" "$(cat "/sys/class/net/$1/address")" "$(cat "/sys/class/net/$1/ifindex")" </dev/null >/dev/null 2>&1 &
}
`

/** $1, $2 …: interface and address in turn. */
export const announceScript = `
PATH="$PATH:/usr/sbin:/sbin:/usr/bin:/bin"
${announceFunction}
while [ $# -gt 1 ]; do announce "$1" "$2"; shift 2; done
wait
`
