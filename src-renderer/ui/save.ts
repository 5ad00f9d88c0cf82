/** Hands a file to the viewer. */
export function saveBlob(fileName: string, blob: Blob): void {
  const url = URL.createObjectURL(blob)
  const link = document.createElement('a')
  link.href = url
  link.download = fileName
  link.click()
  URL.revokeObjectURL(url)
}

/** Hands a text to the viewer as a file. */
export const saveText = (fileName: string, type: string, text: string): void =>
  saveBlob(fileName, new Blob([text], { type }))
