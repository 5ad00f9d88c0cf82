import { fetchAsPage } from '../../core-client.ts'

/** A dropped file's path on the rig: the desktop app knows it; a browser uploads the file to the rig first. */
export async function pathOfDropped(file: File): Promise<string> {
  const known = window.stoker?.pathOf?.(file)
  if (known !== undefined && known !== '') return known
  if (window.stoker !== undefined) throw new Error('This file has no path; type the path instead.')
  const answer = await fetchAsPage(`upload/model?name=${encodeURIComponent(file.name)}`, { method: 'POST', body: file })
  const body = (await answer.json().catch(() => ({}))) as { path?: string; error?: { message?: string } }
  if (!answer.ok || body.path === undefined)
    throw new Error(body.error?.message ?? 'The file could not be uploaded; give its path on the rig instead.')
  return body.path
}
