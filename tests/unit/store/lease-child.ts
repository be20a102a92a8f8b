import { openStore } from '../../../src-main/store/open-store.ts'
import { systemClock } from '../../../src-main/system-clock.ts'

/** Takes the lease of a folder and prints who holds it then. Usage: lease-child.ts <folder> <host id> */
const [folder = '', hostId = ''] = process.argv.slice(2)
const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const store = openStore({ folder, clock: systemClock, log })
const now = Date.now()
const holder = { hostId, pid: process.pid, shell: 'cli', host: 'm', bootId: 'b', since: now, heartbeatAt: now }
process.stdout.write(store.lease.take(holder, () => true).hostId)
store.close()
