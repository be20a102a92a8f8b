import { fork } from 'node:child_process'

/** A program of this application in a process of its own; it ends when this one does. Messages are plain values. */
export interface OwnProcess {
  /** To a process that is gone: nothing, which `onGone` speaks of. */
  send(message: unknown): void
  onMessage(listener: (message: unknown) => void): void
  /** Once, after its last message. */
  onGone(listener: (why: string) => void): void
  kill(): void
}

/** @param file the program, a module that Node can run */
export type StartProcess = (file: string) => OwnProcess

/** Under Node. Nothing of this process' environment or flags is the program's business. */
export const startNodeProcess: StartProcess = (file) => {
  const child = fork(file, [], { env: {}, execArgv: [], serialization: 'advanced' })
  return {
    send: (message) => void child.send(message as object, () => undefined),
    onMessage: (listener) => void child.on('message', listener),
    onGone(listener) {
      let told = false
      const tell = (why: string): void => {
        if (!told) listener(why)
        told = true
      }
      child.once('error', ({ message }) => tell(`it could not be started: ${message}`))
      child.once('exit', (code, signal) => {
        const why = signal === null ? `it ended with exit code ${code ?? 'none'}` : `it was killed by ${signal}`
        // its last words may come after its end
        if (child.connected) child.once('disconnect', () => tell(why))
        else tell(why)
      })
    },
    kill: () => void child.kill('SIGKILL'),
  }
}
