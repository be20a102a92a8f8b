import { randomUUID } from 'node:crypto'
import type { Segment } from '../network/segment.ts'
import { groupsOf } from './accounts.ts'
import { writeBaseTree } from './base-tree.ts'
import { createFileTree } from './file-tree.ts'
import { PosixError, type Machine, type MachineAddress, type PracticeClock } from './machine.ts'
import { createProcFiles } from './proc-files.ts'
import { createProcessTable } from './process-table.ts'
import { createPrograms } from './programs.ts'
import { runProgram } from './run-program.ts'
import { createUnixSockets } from './unix-sockets.ts'

export interface MachineSpec {
  name: string
  clock: PracticeClock
  segment: Segment
  /** its own address on the segment, from `segment.address()` */
  address: MachineAddress
}

/** A booted Debian without daemons. */
export function createMachine({ name, clock, segment, address }: MachineSpec): Machine {
  let boot = { at: 0, id: '' }
  const files = createFileTree(clock, (uid) => groupsOf(files, uid))
  const network = segment.join(address, clock)
  const processes = createProcessTable(clock, (pid) => network.endProcess(pid))
  const sockets = createUnixSockets(files)
  const programs = createPrograms(files)
  writeBaseTree(files, name)
  files.mount(
    '/proc',
    createProcFiles(clock, processes, () => boot),
  )

  const machine: Machine = {
    name,
    clock,
    files,
    processes,
    sockets,
    network,
    programs,

    syslog(program, pid, line) {
      const text = `${syslogTime(clock.now())} ${name} ${program}[${pid}]: ${line}\n`
      try {
        if (files.exists(syslogPath) && files.stat(syslogPath).size > maxSyslogBytes)
          files.rename(syslogPath, `${syslogPath}.1`)
        files.write(syslogPath, text, { append: true, mode: 0o640 })
      } catch (thrown) {
        // A full or broken disk loses the line, and syslogd carries on.
        if (!(thrown instanceof PosixError)) throw thrown
      }
    },

    run: (argv, options) => runProgram(machine, argv, options),

    async powerOff() {
      // The cable first: what the processes close on their way out no longer reaches anybody.
      network.powerOff()
      processes.powerOff()
      sockets.powerOff()
    },

    powerOn() {
      if (processes.get(1) !== null) return
      boot = { at: clock.monotonic(), id: randomUUID() }
      network.setLink(true)
      processes.powerOn()
    },
  }
  machine.powerOn()
  return machine
}

const syslogPath = '/var/log/syslog'
/** then it becomes syslog.1, so that a practice day does not fill the computer's memory */
const maxSyslogBytes = 1024 * 1024

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** RFC 3164's time stamp, in UTC. */
function syslogTime(now: number): string {
  const date = new Date(now)
  return `${months[date.getUTCMonth()]} ${String(date.getUTCDate()).padStart(2)} ${date.toISOString().slice(11, 19)}`
}
