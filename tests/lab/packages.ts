import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { run } from './run.ts'

/*
 * Debian starts a service as soon as its package is installed. A machine that only runs tests must not suddenly serve port 80, so
 * while the installation lasts a policy forbids it (see invoke-rc.d(8)). The policy is this file's own: one that the machine already
 * has is left alone, and one that an interrupted run left behind is recognised by its mark and taken away.
 */
const policyFile = '/usr/sbin/policy-rc.d'
const mark = '# evenkeel tests: no service may start while packages are being installed'

/** True where `installPackages` can work: Debian or a relative of it, and root. */
export function canInstall(): boolean {
  return (
    process.platform === 'linux' &&
    process.getuid?.() === 0 &&
    existsSync('/usr/bin/apt-get') &&
    existsSync('/etc/debian_version')
  )
}

/** @throws Error with apt's own words when a package cannot be installed */
export async function installPackages(names: readonly string[]): Promise<void> {
  const apt = (...args: string[]): Promise<string> =>
    run(['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq', ...args], { timeoutMs: 600_000 })
  const ownPolicy = !existsSync(policyFile) || readFileSync(policyFile, 'utf8').includes(mark)
  try {
    if (ownPolicy) {
      writeFileSync(policyFile, `#!/bin/sh\n${mark}\nexit 101\n`)
      chmodSync(policyFile, 0o755)
    }
    await apt('update')
    await apt('install', '--yes', '--no-install-recommends', ...names)
  } finally {
    if (ownPolicy) rmSync(policyFile, { force: true })
  }
}
