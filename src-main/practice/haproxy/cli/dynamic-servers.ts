import { parseLine } from '../../../domain/haproxy/config/parse-line.ts'
import { isStatic } from '../config/build-proxy.ts'
import { parseServerLine, ServerLineError } from '../config/server-line.ts'
import { inMaintenance } from '../worker/server-words.ts'
import { findServer, Refusal, type CliCommand } from './command.ts'

/** The refusals of these two end without the line feed that others have (2.6.12). */
export const addServer: CliCommand = {
  words: 'add server',
  level: 'admin',
  run([name = '', ...options], { worker }) {
    const [backendName = '', serverName] = name.split('/')
    if (serverName === undefined) throw new Refusal("Require 'backend/server'.")
    const backend = worker.backends.get(backendName)
    if (backend === undefined) throw new Refusal('No such backend.')
    if (isStatic(backend.proxy)) throw new Refusal('Backend must use a dynamic load balancing to support dynamic servers.')
    const settings = (() => {
      try {
        return parseServerLine(parseLine(['server', serverName, ...options].join(' ')).words, [], true).settings
      } catch (thrown) {
        throw thrown instanceof ServerLineError ? new Refusal(`${thrown.message}\n`) : thrown
      }
    })()
    if (backend.find(serverName) !== null) throw new Refusal('Already exists a server with the same name in backend.\n')
    backend.add(settings, settings.check !== null)
    return 'New server registered.\n'
  },
}

export const delServer: CliCommand = {
  words: 'del server',
  level: 'admin',
  run([name], { worker }) {
    const { backend, live } = findServer(worker, name, false, '')
    if (!inMaintenance(live)) throw new Refusal('Only servers in maintenance mode can be deleted.')
    if (live.server.figures.sessions > 0) throw new Refusal('Server still has connections attached to it, cannot remove it.')
    backend.remove(live)
    return 'Server deleted.'
  },
}
