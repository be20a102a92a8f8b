import { PosixError } from '../machine/machine.ts'
import type { FailureReason } from './traffic.ts'

/** No server did the work. `client`: it left before one could. */
export class Failure extends Error {
  readonly reason: FailureReason | 'client'

  constructor(reason: FailureReason | 'client', cause?: unknown) {
    super(`No server answered: ${reason}`, { cause })
    this.name = 'Failure'
    this.reason = reason
  }
}

/** What `MachineNetwork.connect` rejected with. */
export function connectFailure(thrown: unknown): Failure {
  return new Failure(thrown instanceof PosixError && thrown.code === 'ETIMEDOUT' ? 'connect-timeout' : 'connect', thrown)
}
