import { readFileSync } from 'node:fs'

/** Recorded from keepalived 2.2.7 and iproute2 6.1; see tests/fixtures/keepalived. */
export const fixture = (name: string): string =>
  readFileSync(new URL(`../../../fixtures/keepalived/${name}`, import.meta.url), 'utf8')

/** The VRRP password of the recordings. It must not come out of anything. */
export const password = 's3cr3tPW'
