/** Hands a file to whoever shows the window: a browser puts it with its downloads, Electron asks where it is to go. */
export function saveFile(name: string, content: Blob): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(content)
  link.download = name
  link.click()
  // it is read when the click has been dealt with
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}
