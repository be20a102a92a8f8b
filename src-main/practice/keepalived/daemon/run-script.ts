import { PosixError, type Machine } from '../../machine/machine.ts'

/** Runs a script as root and gives its exit code; 127 where it cannot be run, as the shell has it. */
export async function runScript(machine: Machine, argv: readonly string[], signal?: AbortSignal): Promise<number> {
  const [program = '', ...rest] = argv
  try {
    const { code } = await machine.run([program, ...rest], signal === undefined ? {} : { signal })
    return code
  } catch (thrown) {
    if (thrown instanceof PosixError) return 127
    throw thrown
  }
}
