import type { ProbedService } from '#contract'
import type { RuntimeTarget } from './runtime-socket.ts'

/** Which sockets the driver uses: what a probe found out, kept as the plain `endpoints` of the probed service. */
export interface Endpoints {
  /** for reading and for commands to the current worker */
  runtime: RuntimeTarget | null
  /** for `show proc` and for questions to old workers; its prefix is empty */
  master: RuntimeTarget | null
}

/** The current worker behind a master socket. Each command needs it: in 2.6 `@1 a;b` sends only `a` to the worker. */
export const currentWorker = '@1 '

export function endpointsFrom(stored: ProbedService['endpoints']): Endpoints {
  const socket = stored['socket']
  const master = stored['masterSocket']
  return {
    runtime:
      socket === undefined
        ? null
        : { path: socket, prefix: socket === master ? currentWorker : '', privileged: stored['socketAccess'] === 'sudo' },
    master: master === undefined ? null : { path: master, prefix: '', privileged: stored['masterSocketAccess'] === 'sudo' },
  }
}

export function storedEndpoints({ runtime, master }: Endpoints): ProbedService['endpoints'] {
  return {
    ...(runtime === null ? {} : { socket: runtime.path, socketAccess: accessOf(runtime) }),
    ...(master === null ? {} : { masterSocket: master.path, masterSocketAccess: accessOf(master) }),
  }
}

const accessOf = (target: RuntimeTarget): string => (target.privileged ? 'sudo' : 'account')
