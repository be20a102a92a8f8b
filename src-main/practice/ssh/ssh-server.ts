/*
 * The machine's sshd. Keys are the only way in, and which ones is what the machine's own authorized_keys say at that moment. A login
 * reaches what its account may reach on this machine and nothing of the computer behind it: commands are the machine's programs, unix
 * sockets are the machine's, TCP goes through the machine's network.
 */
import type { Socket } from 'node:net'
import ssh2, { type AuthContext, type Connection as SshConnection, type Session } from 'ssh2'
import { type Listener, type Machine, PosixError, type SignalName } from '../machine/machine.ts'
import { type Account, accountOf, authorizedKeys } from './accounts.ts'
import { type LoginCommand, runLoginCommand } from './run-login-command.ts'
import { serveSftp } from './sftp.ts'

/** sshd_config's default */
const maxSessions = 10
const tcpTimeoutMs = 10_000

export interface SshServer {
  /** raw public host key */
  readonly hostKey: Buffer
  /** `refuse`: nobody listens; `hang`: connections stand and nothing ever comes; `refuse-login`: no key is good */
  setFault(fault: 'refuse' | 'hang' | 'refuse-login' | null): void
  /** Cuts what is connected now. */
  dropConnections(): void
  close(): void
}

/*
 * sshd asks nobody whether he is still there (ClientAliveInterval 0), and neither does this one. ssh2 would, with a timer that nothing clears
 * when the connection goes before its login is through; such a timer outlives the fleet that was closed. Its setting for one server takes no 0.
 */
Object.assign(ssh2.Server, { KEEPALIVE_CLIENT_INTERVAL: 0 })

/** Starts sshd as a process of the machine, on every address it has. */
export function startSshServer(machine: Machine, { port, hostKey }: { port: number; hostKey: string }): SshServer {
  const parsed = ssh2.utils.parseKey(hostKey)
  if (parsed instanceof Error) throw parsed
  const sockets = new Set<Socket>()
  let fault: Parameters<SshServer['setFault']>[0] = null
  let listener: Listener | null = null
  const server = new ssh2.Server({ hostKeys: [hostKey], ident: 'OpenSSH_9.2p1 Debian-2+deb12u3' }, (connection) => {
    serve(machine, daemon.pid, connection, () => fault !== 'refuse-login')
  })
  const dropConnections = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const daemon = machine.processes.spawn({
    argv: ['sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups'],
    exe: '/usr/sbin/sshd',
    onSignal: (signal) => {
      if (signal === 'TERM' || signal === 'INT' || signal === 'QUIT') daemon.exit(255)
    },
    onExit: () => {
      listener?.close()
      listener = null
      dropConnections()
    },
  })
  const listen = (): void => {
    listener ??= machine.network.listen({ address: '*', port, pid: daemon.pid }, ({ socket }) => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      socket.on('error', () => undefined)
      if (fault === 'hang') return
      // without it every exchange costs 40 ms
      socket.setNoDelay(true)
      server.injectSocket(socket)
    })
  }
  listen()
  return {
    hostKey: parsed.getPublicSSH(),
    setFault(next) {
      fault = next
      if (daemon.state === 'ended') return
      if (next === 'refuse') {
        listener?.close()
        listener = null
        dropConnections()
      } else listen()
      for (const socket of sockets) {
        if (next === 'hang') socket.pause()
        else socket.resume()
      }
    },
    dropConnections,
    close: () => {
      if (daemon.state !== 'ended') daemon.exit(0)
    },
  }
}

function serve(machine: Machine, daemonPid: number, connection: SshConnection, mayLogIn: () => boolean): void {
  connection.on('error', () => undefined)
  let account: Account | null = null
  connection.on('authentication', (context) => {
    account = mayLogIn() ? provenAccount(machine, context) : null
    if (account === null) context.reject(['publickey'])
    else context.accept()
  })
  connection.on('ready', () => {
    // the power may have gone between the handshake and this
    if (account === null || machine.processes.get(daemonPid) === null) return void connection.end()
    const login = machine.processes.spawn({
      argv: [`sshd: ${account.name}@notty`],
      exe: '/usr/sbin/sshd',
      parentPid: daemonPid,
      onExit: () => connection.end(),
    })
    login.leadGroup()
    connection.on('close', () => {
      if (login.state !== 'ended') login.exit(255)
    })
    serveSessions(machine, { account, parentPid: login.pid }, connection)
    serveForwarding(machine, { account, parentPid: login.pid }, connection)
  })
}

/** Null as well for a machine whose account files cannot be read. */
function provenAccount(machine: Machine, context: AuthContext): Account | null {
  try {
    const account = accountOf(machine, context.username)
    return account !== null && proves(machine, account, context) ? account : null
  } catch (thrown) {
    if (thrown instanceof PosixError) return null
    throw thrown
  }
}

/** Without a signature the client only asks whether the key would do. */
function proves(machine: Machine, account: Account, context: AuthContext): boolean {
  if (context.method !== 'publickey') return false
  const { key, signature, blob, hashAlgo } = context
  const known = authorizedKeys(machine, account).some((one) => one.equals(key.data))
  if (!known || signature === undefined || blob === undefined) return known
  const parsed = ssh2.utils.parseKey(key.data)
  return !(parsed instanceof Error) && parsed.verify(blob, signature, hashAlgo) === true
}

interface Login {
  account: Account
  parentPid: number
}

function serveSessions(machine: Machine, login: Login, connection: SshConnection): void {
  let open = 0
  connection.on('session', (accept, reject) => {
    if (open >= maxSessions) return reject()
    open += 1
    const session: Session = accept()
    session.on('close', () => {
      open -= 1
    })
    let command: LoginCommand | null = null
    session.on('exec', (acceptExec, rejectExec, { command: text }) => {
      if (command !== null) return rejectExec()
      command = runLoginCommand(machine, login, text, acceptExec())
    })
    session.on('sftp', (acceptSftp) => serveSftp(machine, login.account, acceptSftp()))
    session.on('signal', (acceptSignal, _reject, { name }) => {
      acceptSignal?.()
      command?.signal(name.replace(/^SIG/, '') as SignalName)
    })
  })
}

function serveForwarding(machine: Machine, { account, parentPid }: Login, connection: SshConnection): void {
  // in the package, not in @types/ssh2
  connection.on('openssh.streamlocal' as 'tcpip', (accept, reject, info) => {
    const { socketPath } = info as unknown as { socketPath: string }
    try {
      const stream = machine.sockets.connect(socketPath, account.uid)
      const channel = accept()
      for (const side of [stream, channel]) side.on('error', () => undefined)
      stream.on('close', () => channel.end())
      channel.on('close', () => stream.destroy())
      channel.pipe(stream).pipe(channel)
    } catch {
      reject()
    }
  })
  connection.on('tcpip', (accept, reject, { destIP: address, destPort: port }) => {
    machine.network.connect({ address, port, pid: parentPid, timeoutMs: tcpTimeoutMs }).then(
      (socket) => {
        const channel = accept()
        for (const side of [socket, channel]) side.on('error', () => undefined)
        channel.on('close', () => socket.destroy())
        channel.pipe(socket).pipe(channel)
      },
      () => reject(),
    )
  })
}
