export interface DumpedFile {
  path: string
  text: string
}

const header = /^# configuration file (\/.*):$/

/**
 * Splits what `nginx -T` prints on stdout into its files, in order of first inclusion (1.22.1): for each file the line
 * `# configuration file <absolute path>:`, the bytes of the file, and one LF that nginx appends and that is removed here.
 *
 * The framing can be forged: a configuration file that contains such a line as a comment looks like two files. Good enough to
 * observe, because the pieces still parse to the same directives in the same order as long as the forged line stands between
 * two statements. Never good enough to write files back; an editor takes the list of paths and reads each file itself.
 */
export function splitConfigDump(stdout: string): DumpedFile[] {
  const files: { path: string; lines: string[] }[] = []
  for (const line of stdout.split('\n')) {
    const path = header.exec(line)?.[1]
    if (path !== undefined) files.push({ path, lines: [] })
    else files.at(-1)?.lines.push(line)
  }
  // Splitting at LF leaves one empty piece after the last LF of the whole dump; the header of the next file eats it elsewhere.
  files.at(-1)?.lines.pop()
  return files.map(({ path, lines }) => ({ path, text: lines.join('\n') }))
}
