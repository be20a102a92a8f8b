import { STATUS_CODES } from 'node:http'

/** nginx's own words where they are not those of the standard */
const titles: Readonly<Record<number, string>> = {
  408: 'Request Time-out',
  413: 'Request Entity Too Large',
  414: 'Request-URI Too Large',
  416: 'Requested Range Not Satisfiable',
  503: 'Service Temporarily Unavailable',
  504: 'Gateway Time-out',
}

const titleOf = (status: number): string => titles[status] ?? STATUS_CODES[status] ?? ''

/** nginx's page of a status; there is none for those that it does not know. */
export function pageOf(status: number, signature: string): string {
  const title = titleOf(status)
  if (title === '' || status < 300) return ''
  const lines = [
    '<html>',
    `<head><title>${status} ${title}</title></head>`,
    '<body>',
    `<center><h1>${status} ${title}</h1></center>`,
    `<hr><center>${signature}</center>`,
    '</body>',
    '</html>',
  ]
  return lines.map((line) => `${line}\r\n`).join('')
}
