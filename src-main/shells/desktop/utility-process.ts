import type { UtilityProcess } from 'electron'
import type { ComposeOptions } from '../../compose.ts'

/** The part of Electron that is used, so that it can be tested without its binary. */
export interface ElectronForUtilityProcess {
  readonly utilityProcess: { fork(file: string, args: string[], options: { env: Record<string, string> }): UtilityProcess }
}

/**
 * A process of our own under Electron. Node's `fork` would need Electron's binary to act as a Node, which is switched off in what is shipped
 * (electron-builder.yml, runAsNode). It ends with the application. Needs the `ready` of Electron.
 */
export const createStartUtilityProcess =
  ({ utilityProcess }: ElectronForUtilityProcess): NonNullable<ComposeOptions['startProcess']> =>
  (file) => {
    const child = utilityProcess.fork(file, [], { env: {} })
    return {
      send: (message) => child.postMessage(message),
      onMessage: (listener) => void child.on('message', listener),
      onGone: (listener) => void child.once('exit', (code) => listener(`it ended with exit code ${code}`)),
      kill: () => void child.kill(),
    }
  }
