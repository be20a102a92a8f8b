/**
 * The program of `node-program.ts` in perl, with nothing but perl-base: part of every Debian. perl-base has no clock finer than a second,
 * so the kernel is asked itself, by the number of clock_gettime on this kind of processor.
 */
export const perlProgram = `
use strict; use Socket qw(:DEFAULT getaddrinfo IPPROTO_TCP); use Errno; use POSIX ();
my ($mode, $lifetimeS, $host, $port, $everyUs, $timeoutUs, $request, $heldRequest, $upgrade) = @ARGV;
alarm $lifetimeS;
my $call = {x86_64 => 228, aarch64 => 113, riscv64 => 113, ppc64le => 246, s390x => 260}->{(POSIX::uname())[4]};
if (!$call) { eval { require Time::HiRes; 1 } or die "this perl has no precise clock\\n" }
sub clock {
  if (!$call) { return Time::HiRes::clock_gettime($_[0]) * 1e6 }
  my $now = "\\0" x 16;
  syscall($call, $_[0], $now);
  my ($s, $ns) = unpack 'q2', $now;
  return $s * 1e6 + $ns / 1e3;
}
my $epoch = clock(0) - clock(1);
sub now { return clock(1) + $epoch }

my ($r, $w, $out) = ('', '', '');
vec($r, 0, 1) = 1;
my $running = 1;
sub told { my ($kind, @words) = @_; $out .= join(' ', $kind, @words) . "\\n" }
sub us { return sprintf '%.0f', $_[0] }
# a packet for each probe would cost the console more than the probe
my ($hurry, $flushed) = (0, 0);
sub flush {
  return if !$hurry && $running && now() - $flushed < 5e4;
  ($hurry, $flushed) = (0, now());
  while (length $out) {
    my $wrote = syswrite STDOUT, $out;
    defined $wrote or exit 1;
    $out = substr $out, $wrote;
  }
}
my %answer = (t => sub { told('c', us(now())); $hurry = 1 });
sub hear {
  my $count = sysread STDIN, my $words, 4096;
  if (!$count) { $running = 0; vec($r, 0, 1) = 0; return }
  for (split //, $words) { $answer{$_} and $answer{$_}->() }
}

if ($mode eq 'watch') {
  socket(my $link, 16, 3, 0) or die "no netlink socket: $!\\n";
  setsockopt($link, SOL_SOCKET, SO_RCVBUF, 1 << 20);
  bind($link, pack('SSLL', 16, 0, 0, 0x4 | 0x10 | 0x100)) or die "netlink cannot be watched: $!\\n";
  $answer{a} = sub { send $link, pack('LSSLLx8', 24, 22, 0x301, 1, 0), 0 };
  $answer{n} = sub { send $link, pack('LSSLLx12', 28, 30, 0x301, 2, 0), 0 };
  vec($r, fileno $link, 1) = 1;
  my @vrrp;
  for my $family (AF_INET, AF_INET6) { my $raw; push @vrrp, $raw if socket($raw, $family, 3, 112) }
  vec($r, fileno $_, 1) = 1 for @vrrp;
  while ($running) {
    my $count = select(my $ready = $r, undef, undef, length $out ? 0.05 : undef);
    $count > 0 or flush(), next;
    for my $raw (grep { vec($ready, fileno $_, 1) } @vrrp) {
      my $peer = recv($raw, my $packet, 65536, 0);
      next if !defined $peer;
      if (length $peer > 16) { told('v', us(now()), Socket::inet_ntop(AF_INET6, (Socket::unpack_sockaddr_in6($peer))[1]), unpack 'H*', $packet) }
      else { told('v', us(now()), join('.', unpack 'x12C4', $packet), unpack 'H*', substr $packet, (ord($packet) & 15) * 4) }
    }
    if (vec($ready, fileno $link, 1) && defined recv($link, my $message, 65536, 0)) { told('n', us(now()), unpack 'H*', $message); $hurry = 1 }
    hear() if vec($ready, 0, 1);
    flush();
  }
  exit 0;
}

my ($error, $found) = getaddrinfo($host, $port, {socktype => SOCK_STREAM});
$error and die "$host cannot be resolved: $error\\n";
my (%open, @waiting, @held);
# a frame without content, masked as those of clients have to be (RFC 6455)
my $ping = "\\x89\\x80mask";
sub drop {
  my ($fd) = @_;
  vec($r, $fd, 1) = vec($w, $fd, 1) = 0;
  close delete($open{$fd})->{socket};
}
sub word { return $!{ECONNREFUSED} ? 'f' : $!{ECONNRESET} || $!{EPIPE} ? 'r' : $!{ETIMEDOUT} ? 't' : 'u' }
sub dial {
  my ($one) = @_;
  socket($one->{socket}, $found->{family}, SOCK_STREAM | 2048, 0) or return 0;
  my $fd = $one->{fd} = fileno $one->{socket};
  $open{$fd} = $one;
  setsockopt($one->{socket}, IPPROTO_TCP, 1, 1);
  $one->{at} = now();
  connect($one->{socket}, $found->{addr}) || $!{EINPROGRESS} or return 0;
  vec($w, $fd, 1) = 1;
  return 1;
}

sub probed {
  my ($probe, $outcome) = @_;
  $probe->{over} = 1;
  told('p', us($probe->{at}), us(now() - $probe->{at}), us($probe->{connect} // -1), $outcome);
  drop($probe->{fd}) if defined $probe->{fd};
}
sub probe {
  my $probe = {at => now()};
  push @waiting, $probe;
  dial($probe) or probed($probe, word());
}
sub probe_ready {
  my ($probe, $readable) = @_;
  if (!defined $probe->{connect}) {
    $! = unpack 'i', getsockopt($probe->{socket}, SOL_SOCKET, SO_ERROR);
    return probed($probe, word()) if $! + 0;
    $probe->{connect} = now() - $probe->{at};
    return probed($probe, 'a') if $request eq '';
    send($probe->{socket}, $request, 0x4000) or return probed($probe, word());
    vec($w, $probe->{fd}, 1) = 0;
    vec($r, $probe->{fd}, 1) = 1;
  } elsif ($readable) {
    my $count = sysread $probe->{socket}, $probe->{text}, 65536, length($probe->{text} // '');
    return if !defined $count && $!{EAGAIN};
    return probed($probe, word()) if !defined $count;
    if ($probe->{text} =~ m{^HTTP/1\\.\\d ([1-5])}) { probed($probe, $1 < 5 ? 'a' : 'b') }
    elsif (!$count || length $probe->{text} >= 12) { probed($probe, 'b') }
  }
}

sub silence { my ($held) = @_; return defined $held->{asked} ? now() - $held->{asked} : 0 }
sub held_over {
  my ($held, $ending) = @_;
  my $silence = $held->{silence} > silence($held) ? $held->{silence} : silence($held);
  my $ended = $ending eq 'o' || $ending eq 'z' ? -1 : now();
  told('h', us($held->{at}), $held->{port}, $ending, us($ended), us($silence), $held->{what}) if defined $held->{port};
  drop($held->{fd}) if defined $held->{fd};
  %$held = (what => $held->{what}, request => $held->{request}, again => now() + 1e6);
}
sub held_due {
  my ($held) = @_;
  if (defined $held->{again}) {
    return if now() < $held->{again};
    delete $held->{again};
    $held->{silence} = 0;
    dial($held) or held_over($held, 'r');
  } elsif (defined $held->{port} && $held->{request} ne '' && !defined $held->{asked} && now() >= $held->{next}) {
    $held->{asked} = now();
    send($held->{socket}, $held->{upgraded} ? $ping : $held->{request}, 0x4000) or held_over($held, 'r');
  }
}
sub held_ready {
  my ($held) = @_;
  if (!defined $held->{port}) {
    $! = unpack 'i', getsockopt($held->{socket}, SOL_SOCKET, SO_ERROR);
    return held_over($held, 'r') if $! + 0;
    setsockopt($held->{socket}, SOL_SOCKET, SO_KEEPALIVE, 1);
    setsockopt($held->{socket}, IPPROTO_TCP, $_->[0], $_->[1]) for ([4, 1], [5, 1], [6, 60]);
    my (undef, $port) = $found->{family} == AF_INET6 ? Socket::unpack_sockaddr_in6(getsockname $held->{socket}) : ();
    ($port) = unpack_sockaddr_in(getsockname $held->{socket}) if $found->{family} == AF_INET;
    @$held{'port', 'next'} = ($port, now());
    vec($w, $held->{fd}, 1) = 0;
    vec($r, $held->{fd}, 1) = 1;
    return;
  }
  my $count = sysread $held->{socket}, my $text, 65536;
  return if !defined $count && $!{EAGAIN};
  return held_over($held, 'r') if !defined $count;
  return held_over($held, 'c') if !$count;
  return if !defined $held->{asked};
  if ($held->{what} eq 'w' && !$held->{upgraded}) {
    return held_over($held, 'c') if $text !~ m{^HTTP/1\\.1 101};
    $held->{upgraded} = 1;
  }
  my $silence = silence($held);
  $held->{silence} = $silence if $silence > $held->{silence};
  $held->{next} = $held->{asked} + 2e5;
  delete $held->{asked};
}

@held = ({what => $heldRequest eq '' ? 't' : 'k', request => $heldRequest, again => 0});
push @held, {what => 'w', request => $upgrade, again => 0} if $upgrade ne '';
my $next = now();
while ($running || @waiting) {
  my $now = now();
  if ($running && $now >= $next) {
    probe();
    $next += $everyUs while $next <= $now;
  }
  held_due($_) for $running ? @held : ();
  shift @waiting while @waiting && $waiting[0]{over};
  for (@waiting) {
    last if $_->{at} + $timeoutUs > $now;
    probed($_, 't') if !$_->{over};
  }
  flush();
  my $until = $running ? $next : $now + 1e5;
  my $wait = ($until - now()) / 1e6;
  my $ready = select(my $readable = $r, my $writable = $w, undef, $wait > 0 ? $wait : 0);
  next if $ready <= 0;
  hear() if vec($readable, 0, 1);
  for my $fd (keys %open) {
    my $one = $open{$fd} or next;
    my ($reads, $writes) = (vec($readable, $fd, 1), vec($writable, $fd, 1));
    next if !$reads && !$writes;
    if ($one->{what}) { held_ready($one) } else { probe_ready($one, $reads) }
  }
  flush();
}
held_over($_, silence($_) > $timeoutUs ? 'z' : 'o') for grep { defined $_->{port} } @held;
flush();
`
