import { messages } from '../i18n.ts'

const FACE = '12px "Noto Sans JP Variable"'

/**
 * The face for Japanese comes in some hundred parts and only for those who read it. The parts that the window's own words need are
 * there before the first word is drawn: Chromium 156 does not draw every word again when a part arrives late, and where the
 * system has no Japanese face of its own that word would stay a row of boxes.
 */
export async function loadFace(language: 'en' | 'ja'): Promise<void> {
  if (language !== 'ja') return
  await import('@fontsource-variable/noto-sans-jp')
  await document.fonts.load(FACE, JSON.stringify(messages.ja))
}
