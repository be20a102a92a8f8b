import { onBeforeUnmount, onMounted } from 'vue'
import { useRouter } from 'vue-router'

/** `g` then a letter goes to a page; Ctrl/Cmd+K opens the palette anywhere. */
const pages: Record<string, string> = {
  o: '/',
  p: '/pools',
  d: '/drains',
  n: '/nodes',
  v: '/vips',
  h: '/history',
  s: '/settings',
}
const CHORD_MS = 1_000

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || target.matches('input, textarea, select'))

export function useShortcuts({ openPalette }: { openPalette: () => void }) {
  const router = useRouter()
  let chordUntil = 0

  function onKey(event: KeyboardEvent) {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === 'k') {
      event.preventDefault()
      return openPalette()
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
    if (document.querySelector('[role=dialog]')) return
    const page = pages[event.key]
    if (page !== undefined && event.timeStamp < chordUntil) {
      chordUntil = 0
      event.preventDefault()
      // A page that has a letter of its own for this key must not act on it as well.
      event.stopImmediatePropagation()
      void router.push(page)
    } else {
      chordUntil = event.key === 'g' ? event.timeStamp + CHORD_MS : 0
    }
  }

  onMounted(() => window.addEventListener('keydown', onKey, { capture: true }))
  onBeforeUnmount(() => window.removeEventListener('keydown', onKey, { capture: true }))
}
