import { type ChildProcess, spawn } from 'node:child_process'
import { connect, type Socket } from 'node:net'
import ssh2, { type AuthContext, type Connection, type ServerChannel } from 'ssh2'

const { Server, utils } = ssh2

/** A real SSH server on loopback: runs commands with /bin/sh, forwards to unix sockets and TCP. What it refuses is set per test. */
export interface TestServer {
  port: number
  /** raw public host key */
  hostKey: Buffer
  connections: Connection[]
  /** commands as they arrived */
  commands: string[]
  /** most session channels that were open at the same time */
  peakSessions: number
  /** TCP sockets, to pause for a black hole or to destroy for a cut cable */
  sockets: Socket[]
  logins: string[]
  close(): Promise<void>
}

export interface TestServerOptions {
  hostKey?: string
  /** default: everybody; `later`: answers by itself */
  authenticate?: (context: AuthContext) => boolean | 'later'
  methods?: AuthContext['method'][]
  maxSessions?: number
  allowStreamLocal?: boolean
  allowTcp?: boolean
  /** environment of the commands, e.g. another PATH */
  env?: NodeJS.ProcessEnv
  /** printed by the login shell before every command */
  noise?: string
  /** answers instead of running the command; undefined: run it */
  intercept?: (command: string, channel: ServerChannel) => boolean
}

/** ssh2 1.17 now and then writes an ed25519 key that it cannot read back ("Malformed OpenSSH private key"); such a one is thrown away. */
export function newKey(
  type: 'ed25519' | 'ecdsa' = 'ed25519',
  passphrase?: string,
): { private: string; public: string; blob: Buffer } {
  const encryption = passphrase === undefined ? {} : { passphrase, cipher: 'aes256-ctr', rounds: 1 }
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const pair =
      type === 'ed25519'
        ? utils.generateKeyPairSync('ed25519', encryption as object)
        : utils.generateKeyPairSync('ecdsa', { bits: 256, ...encryption })
    if (utils.parseKey(pair.private, passphrase) instanceof Error) continue
    return { ...pair, blob: Buffer.from(pair.public.split(' ')[1] ?? '', 'base64') }
  }
  throw new Error('ssh2 made no readable key in 20 attempts')
}

export async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const hostKey = options.hostKey ?? newKey().private
  const parsed = utils.parseKey(hostKey)
  if (parsed instanceof Error) throw parsed
  const children = new Set<ChildProcess>()
  const state: TestServer = {
    port: 0,
    hostKey: parsed.getPublicSSH(),
    connections: [],
    commands: [],
    peakSessions: 0,
    sockets: [],
    logins: [],
    close: async () => {
      for (const child of children) child.kill('SIGKILL')
      for (const socket of state.sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }

  const server = new Server({ hostKeys: [hostKey] }, (connection) => {
    // in the package, not in @types/ssh2; without it every exchange costs 40 ms
    ;(connection as Connection & { setNoDelay(on: boolean): void }).setNoDelay(true)
    state.connections.push(connection)
    connection.on('error', () => undefined)
    connection.on('authentication', (context) => {
      state.logins.push(context.method)
      const verdict = options.authenticate?.(context) ?? true
      if (verdict === 'later') return
      if (verdict) context.accept()
      else context.reject(options.methods ?? ['publickey', 'password', 'keyboard-interactive'])
    })
    let open = 0
    connection.on('session', (accept, reject) => {
      if (open >= (options.maxSessions ?? Infinity)) return reject()
      open += 1
      state.peakSessions = Math.max(state.peakSessions, open)
      const session = accept()
      session.on('close', () => {
        open -= 1
      })
      session.on('exec', (acceptExec, _reject, info) => {
        const channel = acceptExec()
        state.commands.push(info.command)
        if (options.intercept?.(info.command, channel) === true) return
        run(info.command, channel, options, children)
      })
    })
    connection.on('openssh.streamlocal' as 'tcpip', (accept, reject, info) => {
      if (options.allowStreamLocal === false) return reject()
      bridge((info as unknown as { socketPath: string }).socketPath, accept, reject)
    })
    connection.on('tcpip', (accept, reject, info) => {
      if (options.allowTcp === false) return reject()
      bridge({ host: info.destIP, port: info.destPort, noDelay: true }, accept, reject)
    })
  })
  // ssh2's Server is a net.Server inside; its 'connection' event of the socket is not public
  const inner = (server as unknown as { _srv: NodeJS.EventEmitter })._srv
  inner.on('connection', (socket: Socket) => state.sockets.push(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  state.port = (server.address() as { port: number }).port
  return state
}

function run(command: string, channel: ServerChannel, options: TestServerOptions, children: Set<ChildProcess>): void {
  if (options.noise !== undefined) channel.write(options.noise)
  const child = spawn('/bin/sh', ['-c', command], { env: { ...process.env, ...options.env } })
  children.add(child)
  child.stdout.pipe(channel, { end: false })
  child.stderr.pipe(channel.stderr, { end: false })
  channel.pipe(child.stdin)
  child.stdin.on('error', () => undefined)
  child.on('close', (code, signal) => {
    children.delete(child)
    channel.exit(...((code === null ? [(signal ?? 'SIGKILL').replace(/^SIG/, ''), false, ''] : [code]) as [number]))
    channel.end()
  })
}

function bridge(
  to: string | { host: string; port: number; noDelay: boolean },
  accept: () => ServerChannel,
  reject: () => void,
): void {
  const socket = typeof to === 'string' ? connect({ path: to, allowHalfOpen: true }) : connect(to)
  socket.once('error', reject)
  socket.once('connect', () => {
    socket.off('error', reject)
    socket.on('error', () => undefined)
    const channel = accept()
    channel.pipe(socket).pipe(channel)
  })
}
