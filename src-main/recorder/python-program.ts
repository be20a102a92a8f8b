/** The program of `node-program.ts` in python 3.6 or later, for nodes without perl. */
export const pythonProgram = `
import errno, os, select, signal, socket, struct, sys, time
mode, lifetime_s, host, port, every_us, timeout_us, request, held_request, upgrade, server_name = (sys.argv[1:] + [''] * 10)[:10]
signal.alarm(int(lifetime_s))
epoch = time.time() - time.monotonic()
def now(): return (time.monotonic() + epoch) * 1e6

out = []
def told(*words): out.append(' '.join(w if isinstance(w, str) else '%.0f' % w for w in words) + '\\n')
hurry, flushed = False, 0
def flush():
    global hurry, flushed
    if not hurry and running and now() - flushed < 5e4: return
    hurry, flushed = False, now()
    data = ''.join(out).encode()
    out.clear()
    while data: data = data[os.write(1, data):]
running = True
def reply(*words):
    global hurry
    hurry = True
    told(*words)
answer = {'t': lambda: reply('c', now())}
poll = select.poll()
poll.register(0, select.POLLIN)
def hear():
    global running
    words = os.read(0, 4096).decode()
    if not words:
        running = False
        poll.unregister(0)
    for word in words: answer.get(word, lambda: None)()

if mode == 'watch':
    link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    link.bind((0, 0x4 | 0x10 | 0x100))
    answer['a'] = lambda: link.send(struct.pack('=LHHLL8x', 24, 22, 0x301, 1, 0))
    answer['n'] = lambda: link.send(struct.pack('=LHHLL12x', 28, 30, 0x301, 2, 0))
    poll.register(link, select.POLLIN)
    vrrp = {}
    for family in (socket.AF_INET, socket.AF_INET6):
        try: raw = socket.socket(family, socket.SOCK_RAW, 112)
        except OSError: continue
        vrrp[raw.fileno()] = raw
        poll.register(raw, select.POLLIN)
    def advert(raw):
        packet, peer = raw.recvfrom(65536)
        told('v', now(), peer[0].split('%')[0], (packet[(packet[0] & 15) * 4:] if raw.family == socket.AF_INET else packet).hex())
    while running:
        for fd, _ in poll.poll(50 if out else None):
            try:
                if fd == 0: hear()
                elif fd in vrrp: advert(vrrp[fd])
                else: reply('n', now(), link.recv(65536).hex())
            except OSError: pass
        flush()
    sys.exit(0)

every_us, timeout_us = int(every_us), int(timeout_us)
request, held_request, upgrade = request.encode(), held_request.encode(), upgrade.encode()
family, _, _, _, address = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
words = {errno.ECONNREFUSED: 'f', errno.ECONNRESET: 'r', errno.EPIPE: 'r', errno.ETIMEDOUT: 't'}
word = lambda error: words.get(error, 'u')
wants, refusals = (BlockingIOError,), ()
if server_name:
    import ssl
    wants, refusals = wants + (ssl.SSLWantReadError, ssl.SSLWantWriteError), (ssl.SSLError,)
    # whose certificate it is does not matter here
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
connections = {}
waiting = []

class Connection:
    socket = connect = port = asked = None
    upgraded = shaking = False
    silence = over = 0
    text = b''
    def dial(self):
        self.at = now()
        try:
            self.socket = socket.socket(family, socket.SOCK_STREAM)
            self.socket.setblocking(False)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.at = now()
            error = self.socket.connect_ex(address)
        except OSError as failed: error = failed.errno
        if error not in (0, errno.EINPROGRESS): return self.end(word(error))
        connections[self.socket.fileno()] = self
        poll.register(self.socket, select.POLLOUT)
    def ready(self):
        try: self.progress()
        except wants: pass
        except refusals: self.end(self.refused)
        except OSError as failed: self.end(word(failed.errno))
    def check(self):
        error = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error: raise OSError(error, '')
        poll.modify(self.socket, select.POLLIN)
        if not server_name: return
        self.socket = tls.wrap_socket(self.socket, server_hostname=None if server_name == '-' else server_name, do_handshake_on_connect=False)
        self.shaking = True
    def shake(self):
        if not self.shaking: return
        self.socket.do_handshake()
        self.shaking = False
    def drop(self):
        if self.socket is None: return
        if connections.pop(self.socket.fileno(), None): poll.unregister(self.socket)
        self.socket.close()

class Probe(Connection):
    refused = 'b'
    asked = False
    def progress(self):
        if self.connect is None:
            self.check()
            self.connect = now() - self.at
        self.shake()
        if not request: return self.end('a')
        if not self.asked:
            self.asked = True
            self.socket.send(request)
            return
        data = self.socket.recv(65536)
        self.text += data
        if len(self.text) >= 12 or not data:
            good = self.text[:7] == b'HTTP/1.' and self.text[9:10] in (b'1', b'2', b'3', b'4')
            self.end('a' if good else 'b')
    def end(self, outcome):
        self.over = 1
        told('p', self.at, now() - self.at, -1 if self.connect is None else self.connect, outcome)
        self.drop()

class Held(Connection):
    refused = 'r'
    again = 0
    def __init__(self, what, request): self.what, self.request = what, request
    def progress(self):
        if self.port is None:
            self.check()
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in ((4, 1), (5, 1), (6, 60)): self.socket.setsockopt(socket.IPPROTO_TCP, option, value)
            self.port, self.next = self.socket.getsockname()[1], now()
        self.shake()
        data = self.socket.recv(65536)
        if not data: return self.end('c')
        if self.asked is None: return
        if self.what == 'w' and not self.upgraded:
            if not data.startswith(b'HTTP/1.1 101'): return self.end('c')
            self.upgraded = True
        self.silence = self.longest()
        self.next, self.asked = self.asked + 2e5, None
    def due(self):
        if self.again is not None:
            if now() < self.again: return
            self.again = None
            return self.dial()
        if self.port is None or self.shaking or not self.request or self.asked is not None or now() < self.next: return
        self.asked = now()
        # a frame without content, masked as those of clients have to be (RFC 6455)
        try: self.socket.send(b'\\x89\\x80mask' if self.upgraded else self.request)
        except OSError: self.end('r')
    def longest(self): return max(self.silence, 0 if self.asked is None else now() - self.asked)
    def end(self, ending):
        # whatever error it was: it is gone
        if self.port is not None:
            told('h', self.at, self.port, ending if ending in 'ozc' else 'r', -1 if ending in 'oz' else now(), self.longest(), self.what)
        self.drop()
        self.__dict__ = {'what': self.what, 'request': self.request, 'again': now() + 1e6}

held = [Held('k' if held_request else 't', held_request)] + ([Held('w', upgrade)] if upgrade else [])
due = now()
while running or waiting:
    at = now()
    if running and at >= due:
        probe = Probe()
        waiting.append(probe)
        probe.dial()
        while due <= at: due += every_us
    if running:
        for one in held: one.due()
    while waiting and (waiting[0].over or waiting[0].at + timeout_us <= at):
        first = waiting.pop(0)
        if not first.over: first.end('t')
    flush()
    until = due if running else at + 1e5
    for fd, _ in poll.poll(max(0, (until - now()) / 1e3)):
        if fd == 0: hear()
        elif fd in connections: connections[fd].ready()
    flush()
for one in held:
    if one.port is not None: one.end('z' if one.asked is not None and now() - one.asked > timeout_us else 'o')
flush()
`
