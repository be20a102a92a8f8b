/**
 * A program for the node that joins its stdin and stdout to a unix socket, for servers that forbid stream-local forwarding and for
 * sockets that only root may open. It uses what the node has: perl (part of Debian's base), python3, socat or nc. Each passes on a
 * half-close. It prints the mark once the connection stands, and ends before that with one of `relayExit`.
 */
export const relayExit = {
  notListening: 80,
  missing: 81,
  notASocket: 82,
  notPermitted: 83,
  noProgram: 84,
  connectFailed: 85,
} as const

const perl = `
use Socket; use Errno;
socket(my $s, PF_UNIX, SOCK_STREAM, 0) or exit 85;
connect($s, sockaddr_un($ARGV[0])) or exit($!{ECONNREFUSED} ? 80 : $!{EACCES} ? 83 : 85);
sub copy {
  my ($from, $to) = @_;
  while (sysread($from, my $data, 65536)) {
    for (my $done = 0; $done < length $data; ) {
      my $wrote = syswrite($to, $data, length($data) - $done, $done);
      defined $wrote or return;
      $done += $wrote;
    }
  }
}
syswrite(STDOUT, "\\x1eevenkeel\\x1e");
my $up = fork;
defined $up or exit 85;
if ($up == 0) { copy(*STDIN, $s); shutdown($s, 1); exit 0 }
copy($s, *STDOUT);
kill "TERM", $up;
`

const python = `
import os, socket, sys, threading
s = socket.socket(socket.AF_UNIX)
try:
    s.connect(sys.argv[1])
except ConnectionRefusedError:
    sys.exit(80)
except PermissionError:
    sys.exit(83)
except OSError:
    sys.exit(85)
def up():
    while True:
        data = os.read(0, 65536)
        if not data:
            break
        s.sendall(data)
    s.shutdown(socket.SHUT_WR)
sys.stdout.buffer.write(b"\\x1eevenkeel\\x1e")
sys.stdout.buffer.flush()
threading.Thread(target=up, daemon=True).start()
while True:
    data = s.recv(65536)
    if not data:
        break
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
os._exit(0)
`

/** `sh -c` takes this as its script; `$1` is the socket's path, `$2` and `$3` are the programs above. */
const script = `
[ -e "$1" ] || exit 81
[ -S "$1" ] || exit 82
[ -r "$1" ] && [ -w "$1" ] || exit 83
perl -MSocket -MErrno -e 1 2>/dev/null && exec perl -e "$2" "$1"
python3 -c '' 2>/dev/null && exec python3 -c "$3" "$1"
case $1 in *[!A-Za-z0-9_./-]*) ;; *)
  command -v socat >/dev/null && printf '\\036evenkeel\\036' && exec socat -t 3600 - "UNIX-CONNECT:$1"
esac
nc -h 2>&1 | grep -q -e -U && printf '\\036evenkeel\\036' && exec nc -N -U "$1"
exit 84
`

export function relayArgv(path: string): [string, ...string[]] {
  return ['sh', '-c', script, 'sh', path, perl, python]
}
