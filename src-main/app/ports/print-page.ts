/**
 * Prints a page of ours, which loads nothing and runs nothing, as PDF.
 * @throws AppError `exec.not-found`: nothing is there that prints; `exec.failed` with its words
 */
export type PrintPage = (html: string, signal: AbortSignal) => Promise<Buffer>
