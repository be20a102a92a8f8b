import { createHaproxyDriver } from '../../src-main/drivers/haproxy/driver.ts'
import { driverSuite, type DriverRig } from '../contract/driver-suite.ts'
import { systemClock } from '../../src-main/system-clock.ts'

import { describeLab } from './describe-lab.ts'
import { haproxyConfigPath, haproxyPools, openHaproxyRoom } from './haproxy-room.ts'

async function openRig(): Promise<DriverRig> {
  const room = await openHaproxyRoom()
  const start = () => room.start()
  return {
    driver: createHaproxyDriver({ clock: systemClock }),
    session: room.session,
    facts: room.facts,
    overrides: {},
    expected: {
      version: /^\d+\.\d+\.\d+/,
      configFiles: [haproxyConfigPath],
      endpoints: ['socket', 'masterSocket'],
      subjects: haproxyPools,
    },
    breakSubject: {
      subject: 'be_app/w1',
      state: 'down',
      async run() {
        await room.ask('set map /etc/haproxy/origin.map health ill')
        return async () => void (await room.ask('set map /etc/haproxy/origin.map health well'))
      },
    },
    async stopDaemon() {
      await room.stop()
      return start
    },
    freeze: {
      reads: 'fails',
      async run() {
        await room.run('pkill -STOP -x haproxy')
        return async () => void (await room.run('pkill -CONT -x haproxy'))
      },
    },
    namesAreSent: true,
    async uninstall() {
      await room.stop()
      await room.run('mount --bind /dev/null /usr/sbin/haproxy')
      return async () => {
        await room.run('umount /usr/sbin/haproxy')
        await start()
      }
    },
    overridesWith: (text) => ({ haproxy: { socket: text, masterSocket: text, config: [text] } }),
    exists: (path) => room.exists(path),
    close: () => room.close(),
  }
}

describeLab('in a room of its own', () => driverSuite('haproxy', openRig))
