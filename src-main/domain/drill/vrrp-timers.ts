/*
 * VRRP's timers as keepalived 2.2.7 has them (vrrp.h, vrrp.c; RFC 3768 and RFC 5798, section 6.1). It counts in microseconds and cuts off
 * what is less.
 */

export interface VrrpTimers {
  readonly version: 2 | 3
  /** of the member that sends: a backup of version 3 takes it from the adverts, one of version 2 has to have the same */
  readonly advertMs: number
  /** effective, 1 to 255 */
  readonly priority: number
  /** adverts that may be missing: 3, unless `down_timer_adverts` says otherwise */
  readonly downAdverts: number
}

/** What keepalived makes of `advert_int`: whole seconds in version 2, hundredths in version 3. */
export function roundAdvertMs(version: 2 | 3, configuredMs: number): number {
  const [unit, most] = version === 2 ? [1000, 255_000] : [10, 40_950]
  return Math.min(most, Math.max(unit, Math.floor((configuredMs + unit / 2) / unit) * unit))
}

/** How much longer than another a member waits for its turn. Version 2 counts in 256ths of a second, whatever the interval. */
export function skewMs({ version, advertMs, priority }: VrrpTimers): number {
  const rest = 256 - priority
  const micros =
    version === 2 ? Math.floor((rest * 1_000_000) / 256) : Math.floor((rest * Math.floor(advertMs / 10) * 625) / 16)
  return micros / 1000
}

/** From the last advert that a backup took to its own first one. */
export const masterDownMs = (timers: VrrpTimers): number => timers.downAdverts * timers.advertMs + skewMs(timers)
