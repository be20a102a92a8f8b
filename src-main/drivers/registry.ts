import type { ServiceKind } from '#contract'
import type { Clock } from '../app/ports/clock.ts'
import type { Driver } from '../app/ports/driver.ts'
import { createHaproxyDriver } from './haproxy/driver.ts'
import { createKeepalivedDriver } from './keepalived/driver.ts'
import { createNginxDriver } from './nginx/driver.ts'

/** Every daemon the console knows; a new one is a folder beside these and one line here. */
export function createDrivers(parts: { clock: Clock }): ReadonlyMap<ServiceKind, Driver> {
  const drivers = [createHaproxyDriver(parts), createNginxDriver(parts), createKeepalivedDriver(parts)]
  return new Map(drivers.map((driver) => [driver.kind, driver]))
}
