import { createNginxDriver } from '../../src-main/drivers/nginx/driver.ts'
import { runNginx } from '../../src-main/practice/nginx/program.ts'
import { systemClock } from '../../src-main/system-clock.ts'
import { driverSuite, type DriverRig } from './driver-suite.ts'
import { openPracticeRoom, type PracticeRoom } from './practice-rig.ts'
import { nginxConfig, nginxSite, nginxSubjects } from './rig-configs.ts'

const sitePath = '/etc/nginx/conf.d/site.conf'

/** Resolves when the new workers serve and the old ones, which have no sessions here, are gone. */
async function reloadWith(room: PracticeRoom, text: string): Promise<void> {
  room.machine.files.write(sitePath, text)
  await room.run(`
    old=$(pgrep -P $(cat /run/nginx.pid))
    nginx -s reload
    for pid in $old; do i=0; while [ -d /proc/$pid ] && [ $i -lt 100 ]; do sleep 0.05; i=$((i+1)); done; done`)
}

async function openRig(): Promise<DriverRig> {
  const room = await openPracticeRoom('nginx', runNginx, {
    '/etc/nginx/nginx.conf': nginxConfig,
    [sitePath]: nginxSite,
  })
  const start = () => room.run('nginx; [ -s /run/nginx.pid ]')
  await start()
  return {
    driver: createNginxDriver({ clock: systemClock }),
    session: room.session,
    facts: room.facts,
    overrides: {},
    expected: {
      version: /^\d+\.\d+\.\d+/,
      configFiles: ['/etc/nginx/nginx.conf', sitePath],
      endpoints: ['binary', 'ss', 'stubStatus'],
      subjects: nginxSubjects,
    },
    breakSubject: {
      subject: 'app/127.0.0.1:9001',
      state: 'maintenance',
      async run() {
        await reloadWith(room, nginxSite.replace('127.0.0.1:9001', '127.0.0.1:9001 down'))
        return () => reloadWith(room, nginxSite)
      },
    },
    async stopDaemon() {
      await room.signal('KILL')
      return start
    },
    freeze: {
      reads: 'answers',
      async run() {
        await room.signal('STOP')
        return () => room.signal('CONT')
      },
    },
    namesAreSent: false,
    async uninstall() {
      await room.signal('KILL')
      const install = await room.uninstall()
      return async () => {
        await install()
        await start()
      }
    },
    overridesWith: (text) => ({ nginx: { binary: text, config: text, stubStatusUrl: `http://127.0.0.1/${text}` } }),
    exists: room.exists,
    close: room.close,
  }
}

driverSuite('nginx', openRig)
