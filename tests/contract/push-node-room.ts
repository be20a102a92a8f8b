import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import type { CommandRecord } from '#contract'
import type { AdminLimits } from '../../src-main/app/ports/admin-limits.ts'
import type { ConfigAdmin, ConfigChange, GuardTicket } from '../../src-main/app/ports/config-admin.ts'
import type { BoundService, Driver, NodeFacts } from '../../src-main/app/ports/driver.ts'
import type { NodeSession } from '../../src-main/app/ports/node-session.ts'
import { createHaproxyDriver } from '../../src-main/drivers/haproxy/driver.ts'
import { createKeepalivedDriver } from '../../src-main/drivers/keepalived/driver.ts'
import { createNginxDriver } from '../../src-main/drivers/nginx/driver.ts'
import { systemClock } from '../../src-main/system-clock.ts'
import { within } from './local-session.ts'

export const haproxyFile = '/etc/haproxy/haproxy.cfg'
export const haproxyText = `global
    stats socket /run/haproxy.sock mode 600 level admin
defaults
    mode http
    timeout connect 1s
    timeout client 10s
    timeout server 10s
frontend web
    bind 127.0.0.1:8100
    http-request return status 200 content-type text/plain string "one" # \xe9
`
export const nginxMain = '/etc/nginx/nginx.conf'
export const nginxFile = '/etc/nginx/sites/site.conf'
export const nginxMainText = `worker_processes 2;
pid /run/nginx.pid;
error_log /tmp/error.log notice;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path /tmp/body; proxy_temp_path /tmp/proxy; fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi; scgi_temp_path /tmp/scgi;
    include sites/*.conf;
}
`
export const nginxText = `server { listen 127.0.0.1:8200; location / { return 200 one; } } # \xe9\n`
export const keepalivedFile = '/etc/keepalived/keepalived.conf'
export const keepalivedText = `vrrp_instance VI_1 {
    state BACKUP
    interface eth0
    virtual_router_id 61
    priority 150
    advert_int 1
    unicast_src_ip 198.18.77.2
    unicast_peer {
        198.18.77.3
    }
    virtual_ipaddress {
        198.18.77.1/24
    }
}
`
export const guardMs = 120_000

/** A node on which one test file does as it likes. */
export interface BareRoom {
  readonly session: NodeSession
  readonly facts: NodeFacts
  /** runs a shell script as root; rejects unless it exits with 0 */
  run(script: string): Promise<string>
  exists(path: string): Promise<boolean>
  close(): Promise<void>
}

export interface PushRoom extends BareRoom {
  /** every command that was recorded */
  readonly sent: Omit<CommandRecord, 'nodeId'>[]
  limits(): AdminLimits
  adminOf(kind: string): ConfigAdmin
  /** of a file as it is now */
  hash(path: string): Promise<string>
  write(path: string, text: string): Promise<string>
  change(path: string, text: string): Promise<ConfigChange>
  arm(kind: string, changes: readonly ConfigChange[], ms?: number): Promise<GuardTicket>
  /** armed and replaced */
  push(kind: string, changes: readonly ConfigChange[], ms?: number): Promise<Pushed>
  /** waits until a command succeeds, 30 s at most */
  until(command: string): Promise<string>
  /** what a push has left lying about */
  leftovers(): Promise<string>
}

export interface Pushed {
  admin: ConfigAdmin
  ticket: GuardTicket
  reload(): Promise<{ mayMoveVip: boolean }>
  restore(): Promise<void>
}

/** The drivers of a bare room, whose daemons run already. */
export async function asPushRoom(room: BareRoom): Promise<PushRoom> {
  const { session } = room
  const sent: Omit<CommandRecord, 'nodeId'>[] = []
  const services = new Map<string, BoundService>()
  const limits = (): AdminLimits => ({ ...within(60_000), record: (command) => sent.push(command) })
  const adminOf = (kind: string): ConfigAdmin => services.get(kind)?.configAdmin ?? expect.fail(`${kind} cannot be changed`)
  const hash = async (path: string) =>
    (await session.readFile(path, { ...within(10_000), privileged: true, maxBytes: 65_536 })).sha256
  const until: PushRoom['until'] = (command) => untilIn(room, command)
  const arm: PushRoom['arm'] = (kind, changes, ms = guardMs) =>
    adminOf(kind).arm(session, changes, { guardMs: ms, owner: 'kim@desk', reason: 'ticket 7' }, limits())

  const drivers: Driver[] = [
    createHaproxyDriver({ clock: systemClock }),
    createNginxDriver({ clock: systemClock }),
    createKeepalivedDriver({ clock: systemClock }),
  ]
  for (const driver of drivers) {
    const detected = (await driver.detect(session, room.facts, {}, within(20_000))) ?? expect.fail(`no ${driver.kind}`)
    services.set(driver.kind, driver.bind(detected))
  }

  return {
    ...room,
    sent,
    limits,
    adminOf,
    hash,
    write: (path, text) => writeIn(room, path, text),
    until,
    arm,
    change: async (path, text) => ({ path, expectSha256: await hash(path), after: Buffer.from(text, 'latin1') }),
    async push(kind, changes, ms) {
      const admin = adminOf(kind)
      const ticket = await arm(kind, changes, ms)
      await admin.replace(session, changes, ticket, limits())
      return {
        admin,
        ticket,
        reload: () => admin.reload(session, changes, limits()),
        restore: () => admin.restore(session, ticket, limits()),
      }
    },
    leftovers: () =>
      room.run(
        "find /etc/haproxy /etc/nginx /etc/keepalived /var/lib/evenkeel /tmp -name '*evenkeel*' ! -name evenkeel; ls /var/lib/evenkeel | grep -v last || :",
      ),
  }
}

export const writeIn = (room: BareRoom, path: string, text: string): Promise<string> =>
  room.run(`base64 -d > ${path} <<'END'\n${Buffer.from(text, 'latin1').toString('base64')}\nEND`)

export const untilIn = (room: BareRoom, command: string): Promise<string> =>
  room
    .run(`i=0; until ${command}; do i=$((i+1)); [ $i -lt 150 ] || { echo "it did not come" >&2; exit 1; }; sleep 0.2; done`)
    .catch((cause: unknown) => {
      throw new Error(`waited for: ${command}`, { cause })
    })

export const sha256Of = (text: string): string => createHash('sha256').update(Buffer.from(text, 'latin1')).digest('hex')
