/** Certificates that have run out, or soon will, at the lines that name them. What a daemon's own check does not look at. */
import type { LintFinding } from '#contract'
import type { CertificateUse } from './certificate-uses.ts'

export interface SeenCertificate {
  /** the file, which may lie in a folder that the configuration names */
  readonly path: string
  readonly subject: string
  /** milliseconds since the epoch */
  readonly notBefore: number
  readonly notAfter: number
}

const dayMs = 86_400_000
/** Renewals by ACME come thirty days before the end: what is closer was missed. */
const soonMs = 21 * dayMs

export function certificateFindings(
  uses: readonly CertificateUse[],
  seen: readonly SeenCertificate[],
  now: number,
): LintFinding[] {
  return uses.flatMap(({ kind, path, file, line }) =>
    seen
      .filter((one) => one.path === path || one.path.startsWith(`${path.replace(/\/$/, '')}/`))
      .flatMap(({ path: found, subject, notBefore, notAfter }): LintFinding[] => {
        const day = new Date(notBefore > now ? notBefore : notAfter).toISOString().slice(0, 10)
        const place = { file, line, column: 1 }
        const isOver = notAfter <= now
        if (isOver || notBefore > now) {
          const message = isOver
            ? `${found} expired on ${day} (${subject})`
            : `${found} is not valid before ${day} (${subject})`
          const reason = 'Clients refuse the connection; the daemon starts with it nevertheless.'
          return [
            { rule: `${kind}/certificate-expired`, severity: 'error', ...place, message, reason, fix: 'renew it, and reload' },
          ]
        }
        if (notAfter - now > soonMs) return []
        const days = Math.floor((notAfter - now) / dayMs)
        const message = `${found} expires on ${day}, in ${days} days (${subject})`
        const reason = 'From then on clients refuse the connection.'
        return [
          {
            rule: `${kind}/certificate-expires-soon`,
            severity: 'warning',
            ...place,
            message,
            reason,
            fix: 'renew it, and reload',
          },
        ]
      }),
  )
}
