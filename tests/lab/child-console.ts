import { createDispatcher } from '../../src-main/app/dispatcher.ts'
import { compose } from '../../src-main/compose.ts'
import { createFaultAdmin } from '../../src-main/drivers/linux/faults/fault-admin.ts'
import { createDrivers } from '../../src-main/drivers/registry.ts'
import { createClient } from '../../src-main/shells/cli/client.ts'
import { systemClock } from '../../src-main/system-clock.ts'
import { passDrivers, passFaults, passJournal } from './kill-points.ts'

/** A console in this process, a child of the test, that names each point it passes; see kill-points.ts. */
export async function openChildConsole(home: string, dataFolder: string, pass: (point: string) => void) {
  const application = await compose({
    dataFolder,
    home,
    shell: 'cli',
    env: { HOME: home },
    knownHostsFiles: [],
    overrides: {
      drivers: passDrivers(createDrivers({ clock: systemClock }).values(), pass),
      faults: passFaults(createFaultAdmin({ clock: systemClock }), pass),
    },
  })
  const dispatcher = createDispatcher({ handlers: application.handlers, log: application.log })
  application.onEvent((name, payload) => dispatcher.publish(name, payload))
  application.onEvent(passJournal(pass))
  const client = createClient(dispatcher, { user: 'crash test', shell: 'cli' })
  return {
    client,
    start: () => application.start(),
    async close(): Promise<void> {
      client.close()
      await application.stop()
    },
  }
}
