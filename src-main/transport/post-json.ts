import type { PostJson } from '../app/ports/post-json.ts'

/** From this computer; redirects are not followed, for what is posted is meant for this address. */
export const postJson: PostJson = async (url, body, signal) => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    redirect: 'manual',
    signal,
  })
  await response.body?.cancel()
  if (!response.ok) throw new Error(`it answers ${response.status}`)
}
