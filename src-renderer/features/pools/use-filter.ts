import { computed, ref, watch } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { parseFilter } from './filter-query.ts'

/** Splits a query into the words that chips show; quotes keep together what belongs together. */
function wordsOf(text: string): string[] {
  return text.match(/(?:[^\s"]|"[^"]*"?)+/g) ?? []
}

/**
 * The filter bar: finished words are chips, the last one is being typed. Both filter at once. The query lives in the address
 * (`/pools?q=state:down`), so that other pages and the palette can link to a filtered table, and a reload keeps it.
 */
export function useFilter() {
  const route = useRoute()
  const router = useRouter()
  const path = route.path
  const chips = ref<string[]>([])
  const draft = ref('')
  const text = computed(() => [...chips.value, draft.value.trim()].filter((word) => word !== '').join(' '))
  const query = computed(() => parseFilter(text.value))

  watch(
    () => (typeof route.query['q'] === 'string' ? route.query['q'] : ''),
    (asked) => {
      // while the page is being left, the address is already another page's
      if (asked === text.value || route.path !== path) return
      chips.value = wordsOf(asked)
      draft.value = ''
    },
    { immediate: true },
  )
  watch(text, (now) => {
    if (route.path !== path) return
    const { q: _, ...rest } = route.query
    void router.replace({ query: now === '' ? rest : { ...rest, q: now } })
  })

  /** Enter, or a blank after a word that means something: it becomes a chip. */
  function commit(): void {
    chips.value = [...chips.value, ...wordsOf(draft.value)]
    draft.value = ''
  }

  /** True when the blank just typed ends a `key:value` word, and not one inside quotes. */
  function endsKeyedWord(): boolean {
    const { terms, errors } = parseFilter(draft.value)
    return errors.length === 0 && terms.length > 0 && terms.every((term) => term.key !== 'text')
  }

  return {
    chips,
    draft,
    text,
    query,
    commit,
    onSpace(event: Event) {
      if (!endsKeyedWord()) return
      event.preventDefault()
      commit()
    },
    /** Backspace in an empty field takes the last chip back for editing. */
    onBackspace(event: Event) {
      const last = chips.value.at(-1)
      if (draft.value !== '' || last === undefined) return
      event.preventDefault()
      chips.value = chips.value.slice(0, -1)
      draft.value = last
    },
    removeChip(index: number) {
      chips.value = chips.value.filter((_, at) => at !== index)
    },
    clear() {
      chips.value = []
      draft.value = ''
    },
  }
}

export type Filter = ReturnType<typeof useFilter>
