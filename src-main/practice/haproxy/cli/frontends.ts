import type { Frontend } from '../worker/frontend.ts'
import type { Worker } from '../worker/worker.ts'
import { Refusal, type CliCommand } from './command.ts'

function frontendNamed({ frontends }: Worker, name: string | undefined): Frontend {
  if (name === undefined) throw new Refusal('A frontend name is expected.\n')
  const found = frontends.find(({ proxy }) => proxy.name === name)
  if (found === undefined) throw new Refusal('No such frontend.\n')
  return found
}

function pauseCommand(words: string, paused: boolean): CliCommand {
  const verb = paused ? 'disable' : 'enable'
  return {
    words,
    level: 'admin',
    run([name], { worker }) {
      const frontend = frontendNamed(worker, name)
      if (worker.stopping) throw new Refusal(`Frontend was previously shut down, cannot ${verb}.\n`)
      if (frontend.paused === paused) throw new Refusal(`All sockets are already ${verb}d.\n`)
      frontend.paused = paused
      worker.rebind()
      return ''
    },
  }
}

const setMaxconnFrontend: CliCommand = {
  words: 'set maxconn frontend',
  level: 'admin',
  run([name, text], { worker }) {
    const frontend = frontendNamed(worker, name)
    if (text === undefined) throw new Refusal('Integer value expected.\n')
    frontend.maxconn = Math.max(0, Number.parseInt(text, 10) || 0)
    return ''
  },
}

const setMaxconnGlobal: CliCommand = {
  words: 'set maxconn global',
  level: 'admin',
  run([text], { worker }) {
    if (text === undefined) throw new Refusal('Expects an integer value.\n')
    const wanted = Number.parseInt(text, 10) || 0
    if (wanted < 0 || wanted > worker.config.global.maxconn) throw new Refusal('Value out of range.\n')
    // 0 is the configured limit again
    worker.maxconn = wanted === 0 ? worker.config.global.maxconn : wanted
    return ''
  },
}

export const frontendCommands: readonly CliCommand[] = [
  pauseCommand('disable frontend', true),
  pauseCommand('enable frontend', false),
  setMaxconnFrontend,
  setMaxconnGlobal,
]
