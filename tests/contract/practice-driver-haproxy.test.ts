import { createHaproxyDriver } from '../../src-main/drivers/haproxy/driver.ts'
import { createBackend } from '../../src-main/practice/backends/backend.ts'
import { runHaproxy } from '../../src-main/practice/haproxy/program.ts'
import { systemClock } from '../../src-main/system-clock.ts'
import { driverSuite, type DriverRig } from './driver-suite.ts'
import { openPracticeRoom } from './practice-rig.ts'

const configPath = '/etc/haproxy/haproxy.cfg'
const config = `global
    stats socket /run/admin.sock mode 600 level admin
    stats timeout 30s
defaults
    mode http
    timeout connect 2s
    timeout client 60s
    timeout server 60s
frontend web
    bind 127.0.0.1:8080
    default_backend be_app
backend be_app
    option httpchk GET /health
    default-server check inter 100ms fall 2 rise 2
    server w1 127.0.0.1:9001 weight 10
    server w2 127.0.0.1:9002
backend be_other
    balance source
    server api-1_v2.tyo:green 127.0.0.1:9002 weight 5
backend be_tcp
    mode tcp
    server t1 127.0.0.1:9002
`

async function openRig(): Promise<DriverRig> {
  const room = await openPracticeRoom('haproxy', runHaproxy, { [configPath]: config }, 'root')
  const { machine } = room
  const { pid } = machine.processes.spawn({ argv: ['/usr/bin/application'], exe: '/usr/bin/application' })
  const [w1, w2] = [9001, 9002].map((port) =>
    createBackend({
      ...{ name: `w${port}`, network: machine.network, clock: machine.clock, pid, random: () => 0 },
      ...{ address: '127.0.0.1', port, echoPort: null },
    }),
  )
  const start = () => room.run(`/usr/sbin/haproxy -W -S /run/master.sock -f ${configPath} -D -p /run/haproxy.pid`)
  await start()
  return {
    driver: createHaproxyDriver({ clock: systemClock }),
    session: room.session,
    facts: room.facts,
    overrides: {},
    expected: {
      version: /^\d+\.\d+\.\d+/,
      configFiles: [configPath],
      endpoints: ['socket', 'masterSocket'],
      subjects: ['be_app/w1', 'be_app/w2', 'be_other/api-1_v2.tyo:green', 'be_tcp/t1'],
    },
    breakSubject: {
      subject: 'be_app/w1',
      state: 'down',
      async run() {
        w1?.change({ health: 'failing' })
        return async () => w1?.change({ health: 'well' })
      },
    },
    async stopDaemon() {
      await room.signal('KILL')
      return start
    },
    freeze: {
      reads: 'fails',
      async run() {
        await room.signal('STOP')
        return () => room.signal('CONT')
      },
    },
    namesAreSent: true,
    async uninstall() {
      await room.signal('KILL')
      const install = await room.uninstall()
      return async () => {
        await install()
        await start()
      }
    },
    overridesWith: (text) => ({ haproxy: { socket: text, masterSocket: text, config: [text] } }),
    exists: room.exists,
    async close() {
      for (const backend of [w1, w2]) backend?.close()
      await room.close()
    },
  }
}

driverSuite('haproxy', openRig)
