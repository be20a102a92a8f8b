import type {
  AdminState,
  DrainBefore,
  DrainSticky,
  NodeConfigFile,
  ProbeFinding,
  ProbedService,
  ServiceKind,
  ServiceOverrides,
} from '#contract'
import type { PlaceReading } from '../../domain/drain/place-reading.ts'
import type { ServiceReading } from '../../domain/fleet/reading.ts'
import type { AppError } from '../app-error.ts'
import type { AdminLimits } from './admin-limits.ts'
import type { ConfigAdmin } from './config-admin.ts'
import type { CallLimits, NodeSession } from './node-session.ts'

/** What the machine itself is like; asked once per probe, before the daemons. */
export interface NodeFacts {
  hostName: string
  os: string
  user: string
  initSystem: 'systemd' | 'other'
  sudo: 'root' | 'available' | 'denied' | 'absent'
}

/** A daemon found on a node: what the probe shows, and what `bind` needs. Plain JSON, so that it can be kept between starts. */
export interface Detected {
  service: ProbedService
  findings: ProbeFinding[]
}

/** One adapter per daemon. Small parts, present or null; no method throws "not implemented". */
export interface Driver {
  readonly kind: ServiceKind
  /** null: the daemon is not installed here */
  detect(session: NodeSession, facts: NodeFacts, overrides: ServiceOverrides, limits: CallLimits): Promise<Detected | null>
  /** Picks the behaviour for this version once. */
  bind(detected: Detected): BoundService
}

/** One daemon on one node, ready to be read and (where it can) changed. Holds no connection: the session comes with every call. */
export interface BoundService {
  readonly kind: ServiceKind
  /** one round of reading; throws AppError `daemon.not-running`, `daemon.unexpected-reply`, `exec.*`, `ssh.*` */
  observe(session: NodeSession, limits: CallLimits): Promise<ServiceReading>
  /** null where a server cannot be changed */
  readonly serverAdmin: ServerAdmin | null
  /** nginx: the same for upstreams of `stream`, which may bear the names of those of `http` */
  readonly streamAdmin?: ServerAdmin | null
  /** every file the daemon would read now, in its order; throws as `observe` does, but for a single file that cannot be read */
  readConfig(session: NodeSession, limits: CallLimits): Promise<ConfigFileReading[]>
  /** null: its configuration cannot be changed here, as the account may not run things as root */
  readonly configAdmin: ConfigAdmin | null
}

/** One configuration file on disk. The bytes may hold passwords: they are masked before anything is shown, and never kept or logged. */
export interface ConfigFileReading extends Pick<
  NodeConfigFile,
  'path' | 'sha256' | 'modifiedAt' | 'owner' | 'mode' | 'loaded'
> {
  bytes: Buffer | null
  error: AppError | null
}

/** The administrative state of one server as it was read: enough to put it back exactly. */
export interface ServerPreImage {
  pool: string
  server: string
  /** HAProxy srv_admin_state, decimal; see DrainBefore for nginx */
  adminState: number
  weight: number
  configuredWeight: number
  /** address:port, so that undo refuses a server that became another one */
  address: string
  /** nginx: the lines of its configuration that stand for the server */
  lines?: DrainBefore['lines']
}

/** Records every command it sends through `record`, exactly as sent. */
export interface ServerAdmin {
  /**
   * Whether a change could be made now, where that does not go without saying. Changes nothing.
   * @throws AppError `config.check-failed`: nginx refuses the files as they are
   */
  check?(session: NodeSession, limits: CallLimits): Promise<void>
  /** null: no such server on this balancer now */
  read(session: NodeSession, pool: string, server: string, limits: AdminLimits): Promise<ServerPreImage | null>
  setState(session: NodeSession, pool: string, server: string, state: AdminState, limits: AdminLimits): Promise<void>
  /** Put back admin state and weight as recorded. */
  restore(session: NodeSession, before: ServerPreImage, limits: AdminLimits): Promise<void>
  /**
   * What `setState` / `restore` would do to a server that was just read: the exact commands, and the lines of a file that change.
   * @throws AppError `daemon.runtime-rejected` for a name that cannot be sent safely
   */
  commandsFor(now: ServerPreImage, state: AdminState): string[]
  undoCommandsFor(before: ServerPreImage): string[]
  /** the state a pre-image stands for, and whether `state` is already in force */
  isIn(before: ServerPreImage, state: AdminState): boolean
  /** where the commands go, e.g. `socket /run/haproxy/admin.sock` */
  readonly via: string
  readonly watch: DrainWatch
}

/** What is still on a server that is being taken out, on every worker of one balancer. */
export interface DrainWatch {
  /**
   * Null: no such server now.
   * @throws AppError `daemon.unexpected-reply` while the daemon reloads, and as `ServerAdmin.read` does
   */
  left(session: NodeSession, pool: string, server: string, limits: CallLimits): Promise<PlaceReading | null>
  /**
   * What leads clients to the server again, by the files that the daemon reads, and counted where it can be.
   * @throws AppError `exec.*` when they cannot be read
   */
  stickiness(session: NodeSession, pool: string, server: string, limits: CallLimits): Promise<DrainSticky[]>
  /** Ends every session that is on the server, on old workers one by one; answers how many there were. */
  shutdownSessions(session: NodeSession, pool: string, server: string, limits: AdminLimits): Promise<number>
}
