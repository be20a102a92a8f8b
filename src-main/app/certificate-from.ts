import { X509Certificate } from 'node:crypto'

export interface ReadCertificate {
  subject: string
  /** hex, in small letters */
  sha256: string
  /** milliseconds since the epoch */
  notBefore: number
  notAfter: number
}

/** Null: what stands between the marks is no certificate. */
export function certificateFrom(pem: string): ReadCertificate | null {
  try {
    const { subject, fingerprint256, validFrom, validTo } = new X509Certificate(pem)
    return {
      subject: subject.replaceAll('\n', ', '),
      sha256: fingerprint256.replaceAll(':', '').toLowerCase(),
      notBefore: Date.parse(validFrom),
      notAfter: Date.parse(validTo),
    }
  } catch {
    return null
  }
}
