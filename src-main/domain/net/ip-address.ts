/**
 * One spelling per address, so that what a configuration says, what the daemon says and what the kernel says can be compared:
 * IPv4 as dotted decimal, IPv6 lower-case, fully written, without zone; an IPv4-mapped IPv6 address (`::ffff:198.18.0.1`)
 * becomes the IPv4 address it stands for. Null when the text is no address.
 */
export function canonicalAddress(text: string): string | null {
  const bare = text.replace(/^\[(.*)\]$/, '$1').replace(/%.*$/, '')
  if (!bare.includes(':')) return ipv4Bytes(bare) === null ? null : bare.split('.').map(Number).join('.')
  const groups = ipv6Groups(bare)
  if (groups === null) return null
  const [, , , , , mapped, high, low] = groups
  if (groups.slice(0, 5).every((group) => group === 0) && mapped === 0xffff && high !== undefined && low !== undefined) {
    return [high >> 8, high & 255, low >> 8, low & 255].join('.')
  }
  return groups.map((group) => group.toString(16)).join(':')
}

function ipv4Bytes(text: string): number[] | null {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255)) return null
  return parts.map(Number)
}

function ipv6Groups(text: string): number[] | null {
  const halves = text.split('::')
  if (halves.length > 2) return null
  const head = groupsOf(halves[0] ?? '')
  const tail = halves.length === 2 ? groupsOf(halves[1] ?? '') : []
  if (head === null || tail === null) return null
  const missing = 8 - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null
  return [...head, ...new Array<number>(missing).fill(0), ...tail]
}

function groupsOf(text: string): number[] | null {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16))
    else {
      const bytes = index === parts.length - 1 ? ipv4Bytes(part) : null
      if (bytes === null) return null
      const [a = 0, b = 0, c = 0, d = 0] = bytes
      groups.push(a * 256 + b, c * 256 + d)
    }
  }
  return groups
}
