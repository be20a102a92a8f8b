import { createKeepalivedDriver } from '../../src-main/drivers/keepalived/driver.ts'
import { driverSuite, type DriverRig, type Undo } from '../contract/driver-suite.ts'
import { keepalivedConfig, keepalivedInstances, keepalivedSubjects } from '../contract/rig-configs.ts'
import { systemClock } from '../../src-main/system-clock.ts'

import { openNodeRoom, type NodeRoom } from './node-room.ts'

/** Younger than two seconds it is not asked; with one advert per second it is MASTER after four. */
async function startDaemon(room: NodeRoom): Promise<void> {
  await room.run(`
    rm -f /run/keepalived.pid /run/vrrp.pid
    keepalived -D -G
    i=0; until ip addr show dev eth0 | grep -q 198.18.7.101 || [ $i = 160 ]; do sleep 0.05; i=$((i+1)); done`)
}

async function stopDaemon(room: NodeRoom): Promise<void> {
  await room.run(
    'pkill -KILL -x keepalived; i=0; while pgrep -r R,S,D,T -x keepalived >/dev/null && [ $i -lt 100 ]; do sleep 0.05; i=$((i+1)); done',
  )
}

async function openRig(): Promise<DriverRig> {
  const room = await openNodeRoom(['/etc/keepalived'], { network: 'private' })
  await room.run(`
    ip link set lo up
    ip link add eth0 type veth peer name eth1
    ip link set eth0 up; ip link set eth1 up
    ip addr add 198.18.7.1/24 dev eth0
    mkdir /etc/keepalived/conf.d
    cat >/etc/keepalived/keepalived.conf <<'END'\n${keepalivedConfig}END
    cat >/etc/keepalived/conf.d/instances.conf <<'END'\n${keepalivedInstances}END`)
  await startDaemon(room)
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
        return async () => void (await room.run('echo 0 >"/run/adjust it"'))
      },
    },
    async stopDaemon(): Promise<Undo> {
      await stopDaemon(room)
      return () => startDaemon(room)
    },
    // Dead or stopped, its addresses are still in the kernel, and that is what is read.
    stoppedReads: 'answers',
    freeze: {
      reads: 'answers',
      async run() {
        await room.run('pkill -STOP -x keepalived')
        return async () => void (await room.run('pkill -CONT -x keepalived'))
      },
    },
    namesAreSent: false,
    async uninstall() {
      await stopDaemon(room)
      await room.run('mount --bind /dev/null /usr/sbin/keepalived')
      return async () => {
        await room.run('umount /usr/sbin/keepalived')
        await startDaemon(room)
      }
    },
    overridesWith: (text) => ({ keepalived: { config: text, pidFile: text } }),
    exists: (path) => room.exists(path),
    close: () => room.close(),
  }
}

driverSuite('keepalived', openRig)
