import { PosixError, type Machine } from '../../machine/machine.ts'

/** A dump goes to the daemon's own $TMPDIR or /tmp, for root alone. A full disk loses it. */
export function writeDump(machine: Machine, environment: Readonly<Record<string, string>>, name: string, text: string): void {
  const folder = environment['TMPDIR'] ?? '/tmp'
  try {
    machine.files.write(`${folder}/${name}`, text, { mode: 0o600 })
  } catch (thrown) {
    if (!(thrown instanceof PosixError)) throw thrown
  }
}

/** Whether the process in a pid file lives, whichever process it is (2.2.7 does not ask). */
export function isRunning(machine: Machine, pidFile: string): boolean {
  try {
    const pid = Number.parseInt(machine.files.read(pidFile).toString('utf8'), 10)
    return Number.isInteger(pid) && pid > 0 && machine.processes.get(pid) !== null
  } catch (thrown) {
    if (!(thrown instanceof PosixError)) throw thrown
    return false
  }
}

export function removePidFile(machine: Machine, pidFile: string): void {
  try {
    machine.files.remove(pidFile)
  } catch (thrown) {
    // gone already
    if (!(thrown instanceof PosixError)) throw thrown
  }
}
