import type { OutgoingHttpHeaders } from 'node:http'

/** HAProxy 2.6's own pages (src/http.c). */
const pages: Readonly<Record<number, readonly [title: string, text: string]>> = {
  400: ['Bad request', 'Your browser sent an invalid request.'],
  403: ['Forbidden', 'Request forbidden by administrative rules.'],
  404: ['Not Found', 'The resource could not be found.'],
  408: ['Request Time-out', "Your browser didn't send a complete request in time."],
  429: ['Too Many Requests', 'You have sent too many requests in a given amount of time.'],
  500: ['Internal Server Error', 'An internal server error occurred.'],
  502: ['Bad Gateway', 'The server returned an invalid or incomplete response.'],
  503: ['Service Unavailable', 'No server is available to handle this request.'],
  504: ['Gateway Time-out', "The server didn't respond in time."],
}

export function errorAnswer(status: number): { headers: OutgoingHttpHeaders; body: string } {
  const [title, text] = pages[status] ?? ['Error', 'The request could not be handled.']
  return {
    headers: { 'cache-control': 'no-cache', 'content-type': 'text/html' },
    body: `<html><body><h1>${status} ${title}</h1>\n${text}\n</body></html>\n`,
  }
}
