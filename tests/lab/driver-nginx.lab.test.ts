import { createNginxDriver } from '../../src-main/drivers/nginx/driver.ts'
import { driverSuite, type DriverRig, type Undo } from '../contract/driver-suite.ts'
import { nginxConfig, nginxSite, nginxSubjects } from '../contract/rig-configs.ts'
import { systemClock } from '../../src-main/system-clock.ts'

import { openNodeRoom, type NodeRoom } from './node-room.ts'

/** Resolves when the new workers serve and the old ones, which have no sessions here, are gone. */
async function reloadWith(room: NodeRoom, text: string): Promise<void> {
  await room.run(`
    cat >/etc/nginx/conf.d/site.conf <<'END'\n${text}END
    old=$(pgrep -P $(cat /run/nginx.pid))
    nginx -s reload 2>/dev/null
    for pid in $old; do i=0; while [ -d /proc/$pid ] && [ $i -lt 100 ]; do sleep 0.05; i=$((i+1)); done; done`)
}

const startDaemon = (room: NodeRoom): Promise<string> => room.run('nginx 2>/dev/null; [ -s /run/nginx.pid ]')

async function stopDaemon(room: NodeRoom): Promise<void> {
  await room.run(
    'pkill -KILL -x nginx; i=0; while pgrep -r R,S,D,T -x nginx >/dev/null && [ $i -lt 100 ]; do sleep 0.05; i=$((i+1)); done',
  )
}

async function openRig(): Promise<DriverRig> {
  const room = await openNodeRoom(['/etc/nginx'], { network: 'private' })
  await room.run(`
    ip link set lo up
    mkdir /etc/nginx/conf.d
    cat >/etc/nginx/nginx.conf <<'END'\n${nginxConfig}END
    cat >/etc/nginx/conf.d/site.conf <<'END'\n${nginxSite}END`)
  await startDaemon(room)
  return {
    driver: createNginxDriver({ clock: systemClock }),
    session: room.session,
    facts: room.facts,
    overrides: {},
    expected: {
      version: /^\d+\.\d+\.\d+/,
      configFiles: ['/etc/nginx/nginx.conf', '/etc/nginx/conf.d/site.conf'],
      endpoints: ['binary', 'ss', 'stubStatus'],
      subjects: nginxSubjects,
    },
    // Open-source nginx tells of no failure; what an operator takes out shows once the workers have loaded it.
    breakSubject: {
      subject: 'app/127.0.0.1:9001',
      state: 'maintenance',
      async run() {
        await reloadWith(room, nginxSite.replace('127.0.0.1:9001', '127.0.0.1:9001 down'))
        return () => reloadWith(room, nginxSite)
      },
    },
    async stopDaemon(): Promise<Undo> {
      await stopDaemon(room)
      return async () => void (await startDaemon(room))
    },
    // Nothing that is read depends on the workers, except the status page, which is done without.
    freeze: {
      reads: 'answers',
      async run() {
        await room.run('pkill -STOP -x nginx')
        return async () => void (await room.run('pkill -CONT -x nginx'))
      },
    },
    namesAreSent: false,
    async uninstall() {
      await stopDaemon(room)
      await room.run('mount --bind /dev/null /usr/sbin/nginx')
      return async () => {
        await room.run('umount /usr/sbin/nginx')
        await startDaemon(room)
      }
    },
    overridesWith: (text) => ({ nginx: { binary: text, config: text, stubStatusUrl: `http://127.0.0.1/${text}` } }),
    exists: (path) => room.exists(path),
    close: () => room.close(),
  }
}

driverSuite('nginx', openRig)
