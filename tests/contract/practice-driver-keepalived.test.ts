import { createKeepalivedDriver } from '../../src-main/drivers/keepalived/driver.ts'
import { runKeepalived } from '../../src-main/practice/keepalived/program.ts'
import { systemClock } from '../../src-main/system-clock.ts'
import { driverSuite, type DriverRig } from './driver-suite.ts'
import { openPracticeRoom } from './practice-rig.ts'
import { keepalivedConfig, keepalivedInstances, keepalivedSubjects } from './rig-configs.ts'

async function openRig(): Promise<DriverRig> {
  const room = await openPracticeRoom('keepalived', runKeepalived, {
    '/etc/keepalived/keepalived.conf': keepalivedConfig,
    '/etc/keepalived/conf.d/instances.conf': keepalivedInstances,
  })
  // Younger than two seconds it is not asked; with one advert per second it is MASTER after four.
  const start = () =>
    room.run(`
      rm -f /run/keepalived.pid /run/vrrp.pid
      keepalived -D -G
      i=0; until ip addr show dev eth0 | grep -q 198.18.7.101 || [ $i = 160 ]; do sleep 0.05; i=$((i+1)); done`)
  await start()
  return {
    driver: createKeepalivedDriver({ clock: systemClock }),
    session: room.session,
    facts: room.facts,
    overrides: {},
    expected: {
      version: /^\d+\.\d+\.\d+/,
      configFiles: ['/etc/keepalived/keepalived.conf', '/etc/keepalived/conf.d/instances.conf'],
      endpoints: ['binary', 'config', 'pidFile'],
      subjects: keepalivedSubjects,
    },
    breakSubject: {
      subject: 'VI_1',
      state: 'FAULT',
      async run() {
        await room.run('echo -254 >"/run/adjust it"')
        return () => room.run('echo 0 >"/run/adjust it"')
      },
    },
    async stopDaemon() {
      await room.signal('KILL')
      return start
    },
    // Dead or stopped, its addresses are still in the kernel, and that is what is read.
    stoppedReads: 'answers',
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
    overridesWith: (text) => ({ keepalived: { config: text, pidFile: text } }),
    exists: room.exists,
    close: room.close,
  }
}

driverSuite('keepalived', openRig)
