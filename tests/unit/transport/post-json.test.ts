import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { postJson } from '../../../src-main/transport/post-json.ts'

it('posts a document, and throws what is answered otherwise', async () => {
  const heard: string[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      heard.push(`${request.method ?? ''} ${request.headers['content-type'] ?? ''} ${body}`)
      if (request.url === '/moved') response.writeHead(302, { Location: '/ok' })
      else response.statusCode = request.url === '/ok' ? 204 : 500
      response.end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { signal } = new AbortController()
  try {
    await postJson(`${at}/ok`, { text: 'a drill' }, signal)
    expect(heard).toEqual(['POST application/json {"text":"a drill"}'])
    await expect(postJson(`${at}/broken`, {}, signal)).rejects.toThrow('it answers 500')
    await expect(postJson(`${at}/moved`, {}, signal)).rejects.toThrow('it answers 302')
    expect(heard).toHaveLength(3)
  } finally {
    server.close()
  }
  await expect(postJson(`${at}/ok`, {}, signal)).rejects.toThrow()
})
