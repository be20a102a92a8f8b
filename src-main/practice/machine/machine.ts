/*
 * A practice machine: what a load balancer's Linux looks like from outside, in memory. Its file tree, processes, unix sockets and
 * network behave as POSIX says as far as the console can see it. Only the TCP bytes are real: they go over loopback.
 */
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

export interface Machine {
  /** host name, as `uname -n` says it */
  readonly name: string
  readonly clock: PracticeClock
  readonly files: FileTree
  readonly processes: ProcessTable
  readonly sockets: UnixSockets
  readonly network: MachineNetwork
  readonly programs: Programs
  /** a line of /var/log/syslog */
  syslog(program: string, pid: number, line: string): void
  /** Runs a program by its absolute path or through PATH, as init would. Rejects with PosixError `ENOENT` when there is none. */
  run(argv: readonly [string, ...string[]], options?: RunOptions): Promise<RunResult>
  /**
   * The power cable: every process ends without a signal, every added address goes, and the link is down, so that peers wait rather than
   * are refused. The files stay.
   */
  powerOff(): Promise<void>
  /** Boots again: init runs, the link is up. Daemons are started by whoever calls this. */
  powerOn(): void
}

/** Time, so that tests can move it. */
export interface PracticeClock {
  /** milliseconds since the epoch */
  now(): number
  /** milliseconds that never jump */
  monotonic(): number
  /** calls `work` once after `ms`; the returned function cancels */
  after(ms: number, work: () => void): () => void
}

/** A failed system call. `code` is errno's name; the message is strerror(3) of the C locale, e.g. `No such file or directory`. */
export class PosixError extends Error {
  readonly code: PosixCode

  constructor(code: PosixCode) {
    super(strerror[code])
    this.name = 'PosixError'
    this.code = code
  }
}

const strerror = {
  EACCES: 'Permission denied',
  EADDRINUSE: 'Address already in use',
  EADDRNOTAVAIL: 'Cannot assign requested address',
  ECONNREFUSED: 'Connection refused',
  ECONNRESET: 'Connection reset by peer',
  EEXIST: 'File exists',
  EHOSTUNREACH: 'No route to host',
  EINVAL: 'Invalid argument',
  EISDIR: 'Is a directory',
  ELOOP: 'Too many levels of symbolic links',
  ENOENT: 'No such file or directory',
  ENOSPC: 'No space left on device',
  ENOTDIR: 'Not a directory',
  ENOTEMPTY: 'Directory not empty',
  EPERM: 'Operation not permitted',
  EPIPE: 'Broken pipe',
  EROFS: 'Read-only file system',
  ESRCH: 'No such process',
  ETIMEDOUT: 'Connection timed out',
} as const
export type PosixCode = keyof typeof strerror

export interface FileStat {
  kind: 'file' | 'directory' | 'symlink' | 'socket'
  /** permission bits, e.g. 0o640 */
  mode: number
  uid: number
  gid: number
  size: number
  /** milliseconds since the epoch */
  modifiedAt: number
  inode: number
}

/**
 * Synchronous, as a local disk seems to be. Paths are absolute. Every method throws PosixError. `uid` is who asks; 0 (the default) may do
 * everything. Groups are those of /etc/passwd and /etc/group.
 */
export interface FileTree {
  read(path: string, uid?: number): Buffer
  /** Creates or truncates; keeps owner and mode of what was there. A new file gets `mode` (0o644) and the owner `uid`. */
  write(path: string, bytes: Buffer | string, options?: { mode?: number; uid?: number; append?: boolean }): void
  stat(path: string, uid?: number): FileStat
  /** does not follow the last symlink */
  lstat(path: string, uid?: number): FileStat
  list(path: string, uid?: number): string[]
  makeDirectory(path: string, options?: { mode?: number; uid?: number; parents?: boolean }): void
  remove(path: string, options?: { recursive?: boolean; uid?: number }): void
  /** rename(2): replaces the target atomically */
  rename(from: string, to: string, uid?: number): void
  link(existing: string, path: string, uid?: number): void
  symlink(target: string, path: string, uid?: number): void
  readLink(path: string, uid?: number): string
  realPath(path: string, uid?: number): string
  setMode(path: string, mode: number, uid?: number): void
  setOwner(path: string, uid: number, gid: number): void
  mayAccess(path: string, uid: number, want: 'read' | 'write' | 'execute'): boolean
  exists(path: string): boolean
  /** Called in a microtask after what is at `path` was written, replaced or removed; the returned function ends it. */
  watch(path: string, changed: () => void): () => void
  /** What is made at the moment of reading, such as /proc. `provider` gets the path below `at`. */
  mount(at: string, provider: VirtualFiles): void
  /** Faults: a full disk (ENOSPC on writes) or a file system that turned read-only (EROFS). */
  setFault(fault: 'full' | 'read-only' | null): void
}

/** A read-only file system whose content is computed. Paths are relative to where it is mounted, without a leading slash. */
export interface VirtualFiles {
  read(path: string, uid: number): Buffer
  lstat(path: string): FileStat
  list(path: string): string[]
  readLink(path: string, uid: number): string
}

export type SignalName =
  | 'HUP'
  | 'INT'
  | 'QUIT'
  | 'KILL'
  | 'USR1'
  | 'USR2'
  | 'PIPE'
  | 'ALRM'
  | 'TERM'
  | 'CHLD'
  | 'CONT'
  | 'STOP'
  | 'WINCH'
  | `RTMIN+${number}`

export interface ProcessSpec {
  /** what /proc/PID/cmdline shows; a daemon may change it afterwards (nginx does) */
  argv: readonly string[]
  /** /proc/PID/exe */
  exe: string
  parentPid?: number
  uid?: number
  cwd?: string
  environment?: Readonly<Record<string, string>>
  /**
   * A signal that the process handles. Not called for KILL, STOP and CONT, which the table carries out itself, nor while stopped: what
   * comes then is delivered at CONT. Without a handler the signal's default action is taken.
   */
  onSignal?: (signal: SignalName) => void
  /** The process ended, whatever the reason. Called exactly once; the daemon gives up its sockets here. */
  onExit?: (end: { code: number | null; signal: SignalName | null }) => void
}

export interface PracticeProcess {
  readonly pid: number
  readonly parentPid: number
  /** /proc/PID/comm: base name of `exe`, 15 characters */
  readonly name: string
  readonly argv: readonly string[]
  readonly exe: string
  readonly uid: number
  readonly cwd: string
  readonly environment: Readonly<Record<string, string>>
  /** on the machine's monotonic clock */
  readonly startedAt: number
  readonly state: 'running' | 'stopped' | 'ended'
  /** the process that leads its group, itself if it does; that of its parent to begin with */
  readonly group: number
  setArgv(argv: readonly string[]): void
  /** setsid(2): from now on it leads a group of its own, to which its children belong */
  leadGroup(): void
  /** Resolves at once unless the process is stopped (SIGSTOP), then at CONT. Rejects when it ended. Daemons wait here before they answer anything. */
  running(): Promise<void>
  exit(code: number): void
}

export interface ProcessTable {
  spawn(spec: ProcessSpec): PracticeProcess
  get(pid: number): PracticeProcess | null
  /** living processes, lowest pid first; children of an ended process belong to pid 1 */
  list(): PracticeProcess[]
  /** Throws PosixError `ESRCH`, or `EPERM` when `uid` may not. Signal null only asks (kill -0). */
  signal(pid: number, signal: SignalName | null, uid?: number): void
  /** kill(2) with a negative number: every process of the group. Throws PosixError `ESRCH` when there is none, `EPERM` when `uid` may reach none. */
  signalGroup(group: number, signal: SignalName | null, uid?: number): void
}

export interface UnixSockets {
  /** Makes the socket at `path` and accepts connections. Throws PosixError `EADDRINUSE` while another listens there. */
  listen(
    path: string,
    options: { mode?: number; uid?: number; gid?: number },
    onConnection: (stream: Duplex, peer: { uid: number }) => void,
  ): { close(): void }
  /** Throws PosixError `ENOENT`, `EACCES`, `ECONNREFUSED` (a socket that nobody listens on). */
  connect(path: string, uid: number): Duplex
}

export interface MachineAddress {
  address: string
  prefixLength: number
}

/**
 * One interface, `eth0`, on one segment. Addresses are loopback addresses; the one that answers for an address held by several machines is
 * the one that announced it last (gratuitous ARP).
 */
export interface MachineNetwork {
  readonly interfaceName: 'eth0'
  /** the machine's own address, always first */
  addresses(): MachineAddress[]
  addAddress(address: MachineAddress): void
  /** Established connections through a removed address are cut, as a new owner would cut them. */
  removeAddress(address: string): void
  /** gratuitous ARP: from now on this machine answers for the address, if it holds it */
  announce(address: string): void
  /**
   * Accepts real TCP connections. `*` means every address of the machine, also those that come later. Throws PosixError `EADDRINUSE`,
   * or `EADDRNOTAVAIL` for an address the machine does not hold unless `nonlocal`.
   */
  listen(
    spec: { address: string; port: number; pid: number; nonlocal?: boolean },
    onConnection: (connection: Connection) => void,
  ): Listener
  /** A real TCP connection from the machine's own address. Rejects with PosixError `ECONNREFUSED`, `ETIMEDOUT`, `EHOSTUNREACH`. */
  connect(to: { address: string; port: number; pid: number; timeoutMs: number }): Promise<Socket>
  /** for `ss -K`: aborts the connection; both ends hear of it */
  endConnection(local: { address: string; port: number }, remote: { address: string; port: number }): void
  /** for `ss`: every listener and connection of this machine */
  sockets(): SocketEntry[]
  /** VRRP advertisements and whatever else is multicast on the segment */
  sendToSegment(packet: Buffer, source: string): void
  onSegment(receive: (packet: Buffer, source: string) => void): () => void
  /** the cable; false: nothing arrives and nothing leaves, addresses stay */
  setLink(up: boolean): void
  readonly linkUp: boolean
  /** Faults of the segment as seen from here: adverts (protocol 112) in either direction are lost. */
  setAdvertsBlocked(blocked: boolean): void
}

/**
 * When the process `pid` of its listener ends, the connection is closed with it. The socket's `allowHalfOpen` is Node's default, false;
 * who forwards an end on its own sets it.
 */
export interface Connection {
  socket: Socket
  /** the address and port of this machine that was called */
  local: { address: string; port: number }
  remote: { address: string; port: number }
  /** the process that serves it, where another one listens */
  giveTo(pid: number): void
}

export interface Listener {
  readonly address: string
  readonly port: number
  /** the process that accepts from now on; the socket ends with it */
  giveTo(pid: number): void
  /** stops accepting; established connections live on */
  close(): void
}

export interface SocketEntry {
  state: 'LISTEN' | 'ESTAB'
  local: { address: string; port: number }
  remote: { address: string; port: number } | null
  pid: number
  /** as the kernel counts them; 0 of a listener */
  bytesSent: number
  bytesReceived: number
}

/** What a program was called with, and where its output goes. */
export interface ProgramCall {
  readonly machine: Machine
  /** the process it runs as */
  readonly pid: number
  /** argv[0] is the name it was called by */
  readonly argv: readonly string[]
  /** all of it; taking it takes it from others */
  readonly stdin: Buffer
  /** at most so many bytes of it; the rest is for whoever reads next */
  takeStdin(bytes: number): Buffer
  readonly uid: number
  readonly user: string
  readonly cwd: string
  readonly environment: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  stdout(text: string | Buffer): void
  stderr(text: string): void
}

/** Resolves with the exit code. What it does not know it refuses in the real program's words; never a silent success. */
export type Program = (call: ProgramCall) => Promise<number> | number

export interface Programs {
  /** absolute path, e.g. `/usr/sbin/haproxy`; a file of mode 0755 appears there */
  install(path: string, program: Program): void
  remove(path: string): void
  /** by absolute path, or by base name along `searchPath`; null: not found */
  find(name: string, searchPath?: string): { path: string; program: Program } | null
}

export interface RunOptions {
  stdin?: Buffer | string
  uid?: number
  cwd?: string
  environment?: Readonly<Record<string, string>>
  signal?: AbortSignal
}

export interface RunResult {
  code: number
  stdout: Buffer
  stderr: string
}
