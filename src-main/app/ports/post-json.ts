/** Posts a document over HTTP. Throws what went wrong, an answer of 300 or more included, in a sentence. */
export type PostJson = (url: string, body: unknown, signal: AbortSignal) => Promise<void>
