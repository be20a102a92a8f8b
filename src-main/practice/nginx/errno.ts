import type { PosixError } from '../machine/machine.ts'

const numbers: Readonly<Record<string, number>> = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EACCES: 13,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENOSPC: 28,
  EROFS: 30,
  ELOOP: 40,
  ECONNRESET: 104,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EHOSTUNREACH: 113,
}

/** `2: No such file or directory`, as nginx ends its lines after a failed system call */
export const errnoText = ({ code, message }: PosixError): string => `${numbers[code] ?? 5}: ${message}`
