/**
 * The face for Japanese is large and only fetched by those who read it. Its style sheet must be there before the first word is
 * drawn: Chromium 156 keeps what it shaped without it (boxes, where the system has no Japanese face of its own).
 */
export async function loadFace(language: 'en' | 'ja'): Promise<void> {
  if (language === 'ja') await import('@fontsource-variable/noto-sans-jp')
}
