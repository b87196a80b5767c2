// What the metrics mean, in the service's own words (GET /v1/metrics); asked for once a session.
import { useEffect } from 'preact/hooks'
import { ask } from './api'
import { session } from './session'
import { Store, useStore } from './store'
import type { DictionaryEntry, List } from './types'

const dictionary = new Store<Map<string, DictionaryEntry>>(new Map())
let asked = false

session.watch(() => {
	if (session.get()) return
	asked = false
	dictionary.set(new Map())
})

/** By key; empty until it is there, and where it cannot be had: figures are shown all the same. */
export function useDictionary(): Map<string, DictionaryEntry> {
	useEffect(() => {
		if (asked) return
		asked = true
		ask<List<DictionaryEntry>>({ path: '/v1/metrics' }).then(
			({ data }) => dictionary.set(new Map(data.map(entry => [entry.key, entry]))),
			() => { asked = false }
		)
	}, [])
	return useStore(dictionary)
}
