import type { InstanceReading } from '../fleet/reading.ts'
import type { ConfiguredInstance } from './parse-config.ts'

/**
 * Whether the running daemon has other values than the configuration on disk. keepalived reloads without a new process, so nothing else
 * tells; false says only that what the daemon reports is the same.
 */
export function differsFromDaemon(onDisk: readonly ConfiguredInstance[], running: readonly InstanceReading[]): boolean {
  if (onDisk.length !== running.length) return true
  return onDisk.some((instance) => {
    const other = running.find(({ name }) => name === instance.name)
    if (other === undefined || other.vrid !== instance.vrid) return true
    if (other.configuredPriority !== null && other.configuredPriority !== instance.priority) return true
    if (other.advertIntMs !== null && other.advertIntMs !== instance.advertIntMs) return true
    return [...other.addresses].sort().join(' ') !== [...instance.addresses].sort().join(' ')
  })
}
