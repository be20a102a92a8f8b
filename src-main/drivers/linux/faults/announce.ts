/*
 * Gratuitous ARP: tells the segment which node has an address, as keepalived does when it becomes master. Two nodes had the address for
 * a while, and keepalived with default settings says nothing again to those who believed the other one.
 */

/** Sends it twice for the IPv4 address $address on $interface, where this node has it. */
export const announceFunction = `
announced() {
  [ -n "$(ip -o addr show dev "$interface" to "$address" 2>/dev/null)" ] || return 0
  if command -v arping >/dev/null && arping -V 2>&1 | grep -q iputils; then
    arping -q -U -c 2 -w 2 -I "$interface" -s "$address" "$address" </dev/null
  else
    perl -e '
      use Socket;
      my ($interface, $address, $mac, $index) = @ARGV;
      my $own = pack("H12", $mac =~ s/://gr);
      socket(my $raw, 17, SOCK_RAW, unpack("S", pack("n", 0x0806))) or die "$!";
      my $frame = pack("H12", "f" x 12) . $own . pack("nnnCCn", 0x0806, 1, 0x0800, 6, 4, 1) . $own . inet_aton($address) . pack("H12", "f" x 12) . inet_aton($address);
      my $to = pack("SnlSCCH16", 17, 0x0806, $index, 1, 0, 6, "f" x 12 . "0000");
      for (1, 2) { send($raw, $frame, 0, $to) or die "$!"; select(undef, undef, undef, 0.3) if $_ == 1 }
    ' "$interface" "$address" "$(cat "/sys/class/net/$interface/address")" "$(cat "/sys/class/net/$interface/ifindex")" </dev/null
  fi
}
`

/** $1, $2 …: interface and address in turn. */
export const announceScript = `
PATH="$PATH:/usr/sbin:/sbin:/usr/bin:/bin"
${announceFunction}
while [ $# -gt 1 ]; do interface=$1 address=$2; shift 2; announced || exit; done
`
