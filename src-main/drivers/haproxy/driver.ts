import type { Clock } from '../../app/ports/clock.ts'
import type { BoundService, Detected, Driver } from '../../app/ports/driver.ts'
import { createHaproxyConfigAdmin } from './config-admin.ts'
import { readHaproxyFiles } from './config-files.ts'
import { detectHaproxy } from './detect.ts'
import { endpointsFrom } from './endpoints.ts'
import { createObserver } from './observe.ts'
import { createRuntimeSockets, type RuntimeSockets } from './runtime-socket.ts'
import { createServerAdmin } from './server-admin.ts'
import type { ReadFiles } from './stickiness.ts'

/** HAProxy 2.4 and later, over its runtime API. Measured against 2.6.12; no behaviour depends on the version. */
export function createHaproxyDriver({ clock }: { clock: Clock }): Driver {
  // One set of queues for probing, reading and changing: they share the daemon's ten CLI connections.
  const sockets = createRuntimeSockets({ clock })
  return {
    kind: 'haproxy',
    detect: (session, facts, overrides, limits) => detectHaproxy(sockets, session, facts, overrides, limits),
    bind: (detected) => bindHaproxy({ clock, sockets }, detected),
  }
}

function bindHaproxy(parts: { clock: Clock; sockets: RuntimeSockets }, { service }: Detected): BoundService {
  const endpoints = endpointsFrom(service.endpoints)
  const target = endpoints.runtime
  const readFiles: ReadFiles = (session, limits) => readHaproxyFiles(session, service, limits)
  const serverAdmin =
    target === null || service.privilege !== 'admin' ? null : createServerAdmin({ ...parts, target, endpoints, readFiles })
  return {
    kind: 'haproxy',
    observe: createObserver({ ...parts, endpoints }),
    serverAdmin,
    readConfig: readFiles,
    configAdmin: service.endpoints['edit'] === 'yes' ? createHaproxyConfigAdmin({ ...parts, service, serverAdmin }) : null,
  }
}
