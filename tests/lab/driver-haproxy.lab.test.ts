import { createHaproxyDriver } from '../../src-main/drivers/haproxy/driver.ts'
import { driverSuite, type DriverRig, type Undo } from '../contract/driver-suite.ts'
import { systemClock } from '../contract/local-session.ts'
import { openNodeRoom, type NodeRoom } from './node-room.ts'

const config = `global
    stats socket /run/admin.sock mode 600 level admin
    stats timeout 30s
defaults
    mode http
    timeout connect 2s
    timeout client 60s
    timeout server 60s
frontend web
    bind /run/web.sock
    default_backend be_app
# stands for the backend servers: well or ill as its map says
frontend origin
    bind /run/origin.sock
    http-request return status 503 if { str(health),map(/etc/haproxy/origin.map) -m str ill }
    http-request return status 200
backend be_app
    option httpchk GET /health
    default-server check inter 100ms fall 2 rise 2
    server w1 unix@/run/origin.sock
    server w2 unix@/run/origin.sock
backend be_other
    balance source
    server api-1_v2.tyo:green unix@/run/origin.sock weight 5
`
const allowed = 'stats socket /run/admin.sock mode 600 level admin'

async function startDaemon(room: NodeRoom, mode = '-W -S /run/master.sock'): Promise<void> {
  await room.run(`
    rm -f /run/admin.sock
    haproxy ${mode} -f /etc/haproxy/haproxy.cfg -D -p /run/haproxy.pid >/tmp/haproxy.log 2>&1
    i=0; until [ -S /run/admin.sock ] || [ $i = 100 ]; do sleep 0.05; i=$((i+1)); done`)
}

/** Inside the room's own process namespace there are no others of that name. */
async function stopDaemon(room: NodeRoom): Promise<void> {
  await room.run(
    'pkill -KILL -x haproxy; i=0; while pgrep -x haproxy >/dev/null && [ $i -lt 100 ]; do sleep 0.05; i=$((i+1)); done',
  )
}

async function restartWith(room: NodeRoom, text: string, mode?: string): Promise<void> {
  await stopDaemon(room)
  await room.run(`cat >/etc/haproxy/haproxy.cfg <<'END'\n${text}END\n`)
  await startDaemon(room, mode)
}

async function openRig(): Promise<DriverRig> {
  const room = await openNodeRoom(['/etc/haproxy'])
  await room.run(`echo 'health well' >/etc/haproxy/origin.map; cat >/etc/haproxy/haproxy.cfg <<'END'\n${config}END\n`)
  await startDaemon(room)
  const start: Undo = () => startDaemon(room)
  const ask = (line: string) => room.run(`printf '%s\\n' '${line}' | timeout 5 socat - UNIX-CONNECT:/run/admin.sock`)
  return {
    driver: createHaproxyDriver({ clock: systemClock }),
    session: room.session,
    facts: room.facts,
    overrides: {},
    expected: {
      version: /^\d+\.\d+\.\d+/,
      configFiles: ['/etc/haproxy/haproxy.cfg'],
      endpoints: ['socket', 'masterSocket'],
      subjects: ['be_app/w1', 'be_app/w2', 'be_other/api-1_v2.tyo:green'],
    },
    breakSubject: {
      subject: 'be_app/w1',
      state: 'down',
      async run() {
        await ask('set map /etc/haproxy/origin.map health ill')
        return async () => void (await ask('set map /etc/haproxy/origin.map health well'))
      },
    },
    async stopDaemon() {
      await stopDaemon(room)
      return start
    },
    freeze: {
      reads: 'fails',
      async run() {
        await room.run('pkill -STOP -x haproxy')
        return async () => void (await room.run('pkill -CONT -x haproxy'))
      },
    },
    async uninstall() {
      await stopDaemon(room)
      await room.run('mount --bind /dev/null /usr/sbin/haproxy')
      return async () => {
        await room.run('umount /usr/sbin/haproxy')
        await startDaemon(room)
      }
    },
    restrict: {
      rule: /^haproxy\.level-not-admin$/,
      async run() {
        // With a master socket the driver would get admin level there.
        await restartWith(room, config.replace(allowed, 'stats socket /run/admin.sock mode 600 level operator'), '-W')
        return () => restartWith(room, config)
      },
    },
    overridesWith: (text) => ({ haproxy: { socket: text, masterSocket: text, config: [text] } }),
    exists: (path) => room.exists(path),
    close: () => room.close(),
  }
}

driverSuite('haproxy', openRig)
